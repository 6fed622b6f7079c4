/* text - strings on their way to a terminal.
 *
 * What comes from the center was written by somebody else: control bytes in it
 * must not reach the terminal. */
#ifndef RH_CLI_TEXT_H
#define RH_CLI_TEXT_H

#include <stddef.h>
#include <stdio.h>

enum rh_style { RH_PLAIN, RH_BOLD, RH_GOOD, RH_BAD, RH_DIM };

/* Copies text with '?' in place of control bytes and of what is not UTF-8; cuts at
 * a whole character.  Returns result. */
char *rh_text_clean(const char *text, char *result, size_t cap);

/* Columns that the text takes: characters, not bytes. */
size_t rh_text_width(const char *text);

/* Prints text cleaned, in colour when has_color. */
void rh_text_print(FILE *file, const char *text, enum rh_style style, int has_color);

/* "1.2M", "315", "20.4k": four digits at most.  Returns result. */
char *rh_text_count(double count, char *result, size_t cap);

/* "3.5us", "120ns", "1.2ms".  Returns result. */
char *rh_text_duration(double nanoseconds, char *result, size_t cap);

#endif
