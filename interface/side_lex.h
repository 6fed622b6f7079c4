/* side_lex - the words of a side file, one at a time, with their places.
 *
 * A statement ends with its line, unless the next line begins with a blank.
 * A comment runs from # to the end of the line.
 *
 * Ownership   Borrows the text; a word points into it.
 * Invariant   L1  at <= end; no byte at or behind end is read. */
#ifndef RH_INTERFACE_SIDE_LEX_H
#define RH_INTERFACE_SIDE_LEX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum rh_lex_kind {
	RH_LEX_WORD,
	RH_LEX_MARK,      /* one of ( ) , | = : and the arrow, as text        */
	RH_LEX_LINE_END,
	RH_LEX_FILE_END,
	RH_LEX_BAD,       /* a control byte, or a word that is too long       */
};

struct rh_lex {
	const char *at;
	const char *end;
	const char *line_start;
	uint32_t    line;
	/* the word that rh_lex_next found */
	const char *word;
	size_t      len;
	uint32_t    word_line;
	uint32_t    word_column;
	enum rh_lex_kind kind;
};

void rh_lex_init(struct rh_lex *lex, const char *text, size_t len);

/* Moves to the next word.  is_raw: only blanks and line ends part words, as the
 * head of the file needs it for paths and flags. */
void rh_lex_next(struct rh_lex *lex, bool is_raw);

/* Whether the present word or mark reads so. */
bool rh_lex_is(const struct rh_lex *lex, const char *text);

#endif
