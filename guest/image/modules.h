/* SPDX-License-Identifier: MIT */
/*
 * Loading of kernel modules, by init itself and not by a shell: one process start costs a slow
 * engine more than a module does.
 */
#ifndef LINNET_GUEST_MODULES_H
#define LINNET_GUEST_MODULES_H

struct modules;

/*
 * Reads the indexes (modules.dep, modules.alias) of the running kernel's module tree. Returns NULL
 * if there is none: then everything needed must be built into the kernel.
 */
struct modules *modules_open(void);

/* Ends the use of @mods; loaded modules stay. NULL is fine. */
void modules_close(struct modules *mods);

/*
 * Loads every module whose alias matches @alias (for instance "fs-ext4" or a device's modalias),
 * what it depends on first. Returns how many modules were new in the kernel. Failures are said on
 * the console.
 */
int modules_load(struct modules *mods, const char *alias);

/*
 * Loads what the devices that the kernel has found ask for, and what the devices that appear
 * by it ask for. Drivers have bound to their devices on return, but what they announce
 * asynchronously (console ports, the link's state) may still be on its way. NULL is fine.
 */
void modules_coldplug(struct modules *mods);

#endif
