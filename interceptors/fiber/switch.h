/* switch - from one stack and thread pointer to another; see switch.S.
 *
 * Threads     The caller's context is at rest, and may be loaded by another kernel
 *             thread, from the moment that the other one runs, not before. */
#ifndef RH_FIBER_SWITCH_H
#define RH_FIBER_SWITCH_H

/* Saves the context of the caller to *save and loads another with its thread pointer. */
void rh_switch(void **save, void *load, unsigned long fs);

/* Leaves the context of the caller at rest in *save and calls rh_parked(argument) on
 * another stack; goes on with what *save says when that returns. */
void rh_switch_park(void **save, void *stack, void *argument);

/* Where switches are; code in between belongs to nobody. */
extern const char rh_switch_begin[], rh_switch_end[];

/* Whether the processor lets programs set the thread pointer; set once at the start. */
extern unsigned char rh_switch_fsgsbase;

#endif
