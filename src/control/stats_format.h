/* SPDX-License-Identifier: MIT */
/* Samples (base/stats.h) as text for others. Any thread. */
#ifndef CONTROL_STATS_FORMAT_H
#define CONTROL_STATS_FORMAT_H

#include <jansson.h>

struct stats_list;

/*
 * By what counts: {"harts":[{"hart":0,...}],"devices":[{"device":"disk0",...,"queues":[{"queue":0,
 * ...}]}],"GROUP":{...}}, the last for what is of no hart and no device. A member is called as its
 * row, with the unit behind it: "read_bytes", "cpu_ns". NULL: no memory.
 */
json_t *stats_to_json(const struct stats_list *l);

/* The OpenMetrics text format 1.0: counters linnet_GROUP_NAME[_UNIT]_total, labels device, queue
 * and hart, times in seconds. malloc'd; NULL: no memory. */
char *stats_to_openmetrics(const struct stats_list *l);

#endif
