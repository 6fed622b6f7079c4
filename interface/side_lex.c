#include "side_lex.h"

#include "side.h"

#include <string.h>

void rh_lex_init(struct rh_lex *lex, const char *text, size_t len)
{
	*lex = (struct rh_lex){
		.at = text, .end = text + len, .line_start = text, .line = 1,
		.kind = RH_LEX_LINE_END,
	};
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

/* Skips blanks and a comment; stops at a line end or a word. */
static void skip_blanks(struct rh_lex *lex)
{
	while (lex->at < lex->end && is_blank(*lex->at))
		lex->at++;
	if (lex->at < lex->end && *lex->at == '#')
		while (lex->at < lex->end && *lex->at != '\n')
			lex->at++;
}

static void skip_newline(struct rh_lex *lex)
{
	lex->at++;
	lex->line++;
	lex->line_start = lex->at;
}

/* At a newline: passes empty lines; true when the next line that says something
 * begins with a blank and so continues the statement. */
static bool continues(struct rh_lex *lex)
{
	while (lex->at < lex->end && *lex->at == '\n') {
		skip_newline(lex);
		skip_blanks(lex);
	}
	return lex->at < lex->end && lex->at > lex->line_start;
}

static bool is_mark(char c)
{
	return c != '\0' && strchr("(),|=:", c) != NULL;
}

static bool ends_word(const struct rh_lex *lex, bool is_raw)
{
	char c = *lex->at;

	if (is_blank(c) || c == '\n')
		return true;
	if (is_raw)
		return false;
	return c == '#' || is_mark(c);
}

static void take_word(struct rh_lex *lex, bool is_raw)
{
	lex->kind = RH_LEX_WORD;
	while (lex->at < lex->end && !ends_word(lex, is_raw)) {
		unsigned char c = (unsigned char)*lex->at;

		if (c < 0x20 || c == 0x7f)
			lex->kind = RH_LEX_BAD;
		lex->at++;
	}
	lex->len = (size_t)(lex->at - lex->word);
	if (lex->len > RH_SIDE_WORD_MAX) {
		lex->kind = RH_LEX_BAD;
		lex->len = 20;
	}
}

static void take_mark(struct rh_lex *lex, size_t len)
{
	lex->kind = RH_LEX_MARK;
	lex->len = len;
	lex->at += len;
}

static void mark_place(struct rh_lex *lex)
{
	lex->word = lex->at;
	lex->len = 0;
	lex->word_line = lex->line;
	lex->word_column = (uint32_t)(lex->at - lex->line_start) + 1;
}

void rh_lex_next(struct rh_lex *lex, bool is_raw)
{
	bool was_end = lex->kind == RH_LEX_LINE_END;

	skip_blanks(lex);
	mark_place(lex);
	if (lex->at < lex->end && *lex->at == '\n') {
		if (!continues(lex) && !was_end) {
			lex->kind = RH_LEX_LINE_END;
			return;
		}
		mark_place(lex);
	}
	if (lex->at == lex->end) {
		lex->kind = was_end ? RH_LEX_FILE_END : RH_LEX_LINE_END;
		return;
	}
	if (is_raw)
		take_word(lex, true);
	else if (is_mark(*lex->at))
		take_mark(lex, 1);
	else if (lex->end - lex->at >= 2 && memcmp(lex->at, "->", 2) == 0)
		take_mark(lex, 2);
	else
		take_word(lex, false);
}

bool rh_lex_is(const struct rh_lex *lex, const char *text)
{
	size_t len = strlen(text);

	return (lex->kind == RH_LEX_WORD || lex->kind == RH_LEX_MARK) &&
	       lex->len == len && memcmp(lex->word, text, len) == 0;
}
