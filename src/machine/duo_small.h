/* SPDX-License-Identifier: MIT */
/*
 * The small core of the Duo boards: a C906 in M mode with a PLIC and a CLINT of its own, at the
 * addresses where the big core has its own; everything else is shared. On the thread that builds
 * the machine, where nothing else is said.
 */
#ifndef MACHINE_DUO_SMALL_H
#define MACHINE_DUO_SMALL_H

#include <stdbool.h>
#include <stdint.h>

#include "bus/irq.h"

struct duo_small;
struct err;
struct machine;
struct machine_small_info;
struct plic;
struct windows;

/* Stopped. The machine's bus, memory and harts are there. 0, or -errno with the message in e. */
int duo_small_new(struct machine *m, struct duo_small **out, struct err *e);
/* NULL is allowed. */
void duo_small_free(struct duo_small *s);

/* The wire into source 1 to DUO_SMALL_N_IRQS. */
struct irq duo_small_irq(struct duo_small *s, unsigned source);

/* Its interrupt controller. */
struct plic *duo_small_plic(struct duo_small *s);

/* The UART that it prints on: behind the machine's console. 0 or -errno. */
int duo_small_add_uart(struct duo_small *s);

/* The memory that it may use; `confined`: another access faults, else it is told of once. While it
 * does not run. */
void duo_small_confine(struct duo_small *s, const struct windows *w, bool confined);

/* Any thread: the first page of [start, end) that it has been at since it began; 0: none. */
uint64_t duo_small_was_at(const struct duo_small *s, uint64_t start, uint64_t end);

/* Any thread: how it is. */
void duo_small_look(struct duo_small *s, struct machine_small_info *out);

/* Any thread: holds it in reset, or lets it begin at pc. */
void duo_small_power(struct duo_small *s, bool on, uint64_t pc);

#endif
