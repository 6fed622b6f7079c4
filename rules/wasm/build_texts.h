/* build_texts - the headers that generated code is compiled with; made by embed.py. */
#ifndef RH_RULES_WASM_BUILD_TEXTS_H
#define RH_RULES_WASM_BUILD_TEXTS_H

struct rh_build_text {
	const char *name, *text;
};

extern const struct rh_build_text rh_build_texts[];
extern const unsigned             rh_build_text_count;

#endif
