/* What Go's linker leaves in a program: with it, one is taken for a program of Go. */
#include <stdint.h>

struct note {
	uint32_t name_size, text_size, kind;
	char     name[4], text[4]; /* without a NUL */
};

extern const struct note rh_go_note;
__attribute__((section(".note.go.buildid"), aligned(4), used))
const struct note rh_go_note = { 4, 4, 4, "Go", { '1', '2', '3', '4' } };
