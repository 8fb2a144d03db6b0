/* SPDX-License-Identifier: MIT */
/* What reading and writing configuration files share. */
#ifndef CMD_CONFIG_INTERNAL_H
#define CMD_CONFIG_INTERNAL_H

#include <jansson.h>
#include <stddef.h>

#include "cmd/config.h"

struct config_value;

struct config {
	char *name; /* for messages */
	char *text;
	size_t len;
	json_t *root;                /* an object */
	struct config_value *values; /* what options point into */
};

#endif
