/* table - rows and columns for a person.
 *
 *   NAME   TYPE         STATUS
 *   file   application  Ready
 *
 * Columns are as wide as their widest cell and two blanks apart; numbers stand
 * right.  Cells are cleaned of control bytes.
 *
 * Ownership   The table copies its cells; rh_table_fini frees them.
 * Threads     One.
 * Limits      RH_TABLE_COLUMNS_MAX columns; a cell longer than 1023 bytes is cut. */
#ifndef RH_CLI_TABLE_H
#define RH_CLI_TABLE_H

#include "text.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#define RH_TABLE_COLUMNS_MAX 16

struct rh_cell {
	char         *text;
	enum rh_style style;
};

struct rh_table {
	const char     *headings[RH_TABLE_COLUMNS_MAX];
	bool            is_right[RH_TABLE_COLUMNS_MAX];
	size_t          columns;
	struct rh_cell *cells;      /* row after row */
	size_t          count;
	size_t          capacity;
	bool            is_broken;  /* out of memory: prints nothing */
};

/* headings are borrowed and end with NULL; one that starts with + stands right. */
void rh_table_init(struct rh_table *table, const char *const *headings);
void rh_table_fini(struct rh_table *table);

/* The next cell, from left to right; after the last column a new row starts.
 * NULL and "" are shown as "-". */
void rh_table_cell(struct rh_table *table, const char *text, enum rh_style style);
void rh_table_text(struct rh_table *table, const char *text);
void rh_table_number(struct rh_table *table, long long number);

size_t rh_table_rows(const struct rh_table *table);

/* Prints the headings, unless the table has none or they are not wanted, and the
 * rows. */
void rh_table_print(const struct rh_table *table, FILE *file, bool has_headings,
                    bool has_color);

#endif
