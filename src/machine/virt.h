/* SPDX-License-Identifier: MIT */
/* The `virt` board: see virt_map.h. */
#ifndef MACHINE_VIRT_H
#define MACHINE_VIRT_H

#include "machine/machine.h"

extern const struct machine_type virt_machine;

#endif
