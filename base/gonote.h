/* gonote - the note that Go's linker leaves in whatever it makes, among those of an ELF file.
 *
 * Threads     Pure.
 * Linked      By nobody: the runtime of `fiber`, which has no other part of base in it, needs
 *             it as much as the command line. */
#ifndef RH_BASE_GONOTE_H
#define RH_BASE_GONOTE_H

#include <elf.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

/* Whether it is among the notes of one PT_NOTE part, of which there are so many bytes; what
 * the notes say of their sizes is not believed.  Elf32_Nhdr is the same. */
static inline bool rh_gonote_is_in(const unsigned char *notes, size_t size)
{
	static const char go[] = "Go\0"; /* with the NUL of C: four bytes, as there */
	Elf64_Nhdr        head;

	while (size >= sizeof head) {
		size_t whole;

		memcpy(&head, notes, sizeof head);
		if (head.n_namesz == sizeof go && size >= sizeof head + sizeof go &&
		    memcmp(notes + sizeof head, go, sizeof go) == 0)
			return true;
		whole = sizeof head + (((size_t)head.n_namesz + 3) & ~(size_t)3) +
		        (((size_t)head.n_descsz + 3) & ~(size_t)3);
		if (whole > size)
			return false;
		notes += whole;
		size -= whole;
	}
	return false;
}

#endif
