/* SPDX-License-Identifier: MIT */
/* The boards with two unlike cores: see duo_map.h. */
#ifndef MACHINE_DUO_H
#define MACHINE_DUO_H

#include "machine/machine.h"

extern const struct machine_type duo_machine, duo256m_machine;

#endif
