#include "table.h"

#include "../model/check.h"

#include <stdlib.h>
#include <string.h>

#define CELL_MAX 1024

void rh_table_init(struct rh_table *table, const char *const *headings)
{
	*table = (struct rh_table){ .columns = 0 };
	for (size_t i = 0; headings[i]; i++) {
		RH_CHECK(i < RH_TABLE_COLUMNS_MAX);
		table->is_right[i] = headings[i][0] == '+';
		table->headings[i] = headings[i] + table->is_right[i];
		table->columns++;
	}
}

void rh_table_fini(struct rh_table *table)
{
	for (size_t i = 0; i < table->count; i++)
		free(table->cells[i].text);
	free(table->cells);
	*table = (struct rh_table){ .columns = 0 };
}

void rh_table_cell(struct rh_table *table, const char *text, enum rh_style style)
{
	char clean[CELL_MAX];

	if (table->count == table->capacity) {
		size_t          more = table->capacity ? table->capacity * 2 : 64;
		struct rh_cell *cells = realloc(table->cells, more * sizeof *cells);

		if (!cells) {
			table->is_broken = true;
			return;
		}
		table->cells = cells;
		table->capacity = more;
	}
	rh_text_clean(text && text[0] ? text : "-", clean, sizeof clean);
	table->cells[table->count].text = strdup(clean);
	table->cells[table->count].style = style;
	if (table->cells[table->count].text)
		table->count++;
	else
		table->is_broken = true;
}

void rh_table_text(struct rh_table *table, const char *text)
{
	rh_table_cell(table, text, RH_PLAIN);
}

void rh_table_number(struct rh_table *table, long long number)
{
	char text[32];

	snprintf(text, sizeof text, "%lld", number);
	rh_table_cell(table, text, RH_PLAIN);
}

size_t rh_table_rows(const struct rh_table *table)
{
	return table->columns ? table->count / table->columns : 0;
}

static void measure(const struct rh_table *table, bool has_headings, size_t *widths)
{
	for (size_t c = 0; c < table->columns; c++)
		widths[c] = has_headings ? rh_text_width(table->headings[c]) : 0;
	for (size_t i = 0; i < table->count; i++) {
		size_t *width = &widths[i % table->columns];
		size_t  needed = rh_text_width(table->cells[i].text);

		if (needed > *width)
			*width = needed;
	}
}

static void print_cell(const struct rh_table *table, FILE *file, size_t column,
                       size_t width, const struct rh_cell *cell)
{
	size_t pad = width - rh_text_width(cell->text);
	bool   is_last = column + 1 == table->columns;

	if (table->is_right[column])
		fprintf(file, "%*s", (int)pad, "");
	rh_text_print(file, cell->text, cell->style, cell->style != RH_PLAIN);
	if (!table->is_right[column] && !is_last)
		fprintf(file, "%*s", (int)pad, "");
	fputs(is_last ? "\n" : "  ", file);
}

void rh_table_print(const struct rh_table *table, FILE *file, bool has_headings,
                    bool has_color)
{
	size_t widths[RH_TABLE_COLUMNS_MAX];
	size_t rows = rh_table_rows(table);

	if (table->is_broken || table->columns == 0)
		return;
	measure(table, has_headings, widths);
	for (size_t c = 0; has_headings && c < table->columns; c++) {
		char           heading[CELL_MAX];
		struct rh_cell cell = { .text = heading,
		                        .style = has_color ? RH_BOLD : RH_PLAIN };

		rh_text_clean(table->headings[c], heading, sizeof heading);
		print_cell(table, file, c, widths[c], &cell);
	}
	for (size_t i = 0; i < rows * table->columns; i++) {
		struct rh_cell cell = table->cells[i];

		if (!has_color)
			cell.style = RH_PLAIN;
		print_cell(table, file, i % table->columns, widths[i % table->columns],
		           &cell);
	}
}
