/* SPDX-License-Identifier: MIT */
/*
 * The controllers of the Duo boards' wires, the parts that the user has put on them, and their part
 * of the device tree. On the thread that builds the machine.
 */
#ifndef MACHINE_DUO_WIRES_H
#define MACHINE_DUO_WIRES_H

struct duo_wires;
struct err;
struct fdt_builder;
struct machine;
struct plic;
struct wires;

/* Adds them to the machine's bus; `plic` is the big core's. 0, or -errno with the message in e. */
int duo_wires_new(struct machine *m, struct plic *plic, struct duo_wires **out, struct err *e);
/* NULL is allowed. */
void duo_wires_free(struct duo_wires *w);

/* Their aliases: whichever comes up first, the buses have their own numbers. */
void duo_wires_aliases(struct fdt_builder *t);
/* Writes their nodes into /soc, whose interrupts go to the PLIC. duo_wires_new() has completed
 * `wires`. From `phandle` on all are free, for the nodes of clocks and ports. */
void duo_wires_fdt(struct fdt_builder *t, const struct wires *wires, unsigned phandle);

#endif
