/* side_value - one entry of a parameter list in a side file.  Inside of the
 * side parser only; the language is in docs/side-file.md. */
#ifndef RH_INTERFACE_SIDE_VALUE_H
#define RH_INTERFACE_SIDE_VALUE_H

#include "side.h"
#include "side_lex.h"

struct rh_side_parser {
	struct rh_lex   lex;
	struct rh_pool *pool;
	struct rh_side *side;
	struct rh_diag *diag;
	const char     *object;      /* what the statement is about           */
	char            object_text[RH_SIDE_WORD_MAX + 1];
};

/* Fills the diag with place, object and reason; returns RH_EINVAL. */
__attribute__((format(printf, 2, 3)))
int rh_side_fail(struct rh_side_parser *parser, const char *format, ...);

/* The same for a place that was passed already. */
__attribute__((format(printf, 3, 4)))
int rh_side_fail_at(struct rh_side_parser *parser, struct rh_side_place place,
                    const char *format, ...);

/* A copy of the present word in *ret. */
int rh_side_word(struct rh_side_parser *parser, const char **ret);

/* Parses an entry up to the comma or parenthesis that ends it. */
int rh_side_param(struct rh_side_parser *parser, struct rh_side_value *ret);

/* Parses what stands behind the arrow, up to on_error or the end. */
int rh_side_result(struct rh_side_parser *parser, struct rh_side_value *ret);

/* Parses a C type made of words; stops at what cannot belong to it. */
int rh_side_type_words(struct rh_side_parser *parser, const char **ret,
                       uint16_t *ret_index);

/* Parses the line of a function, with its name in hand, and enters it. */
int rh_side_line(struct rh_side_parser *parser);

#endif
