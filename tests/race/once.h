/* once - makes both sides of a channel in one process use one mapping.
 *
 * ThreadSanitizer sees addresses, not memory: through two mappings of one memfd it
 * sees no race at all.  The linker puts these functions in front of those of
 * base/memory.h (--wrap), so that a descriptor of a memfd made in this process is
 * mapped where its maker has it, and in front of the POSIX queues and a way to join
 * threads, whose ordering the sanitizer does not know. */
#ifndef RH_TESTS_ONCE_H
#define RH_TESTS_ONCE_H

/* How many mappings were shared instead of made. */
int once_shared(void);

#endif
