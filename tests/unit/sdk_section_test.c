#include "../../sdk/c/section.h"

#include "../../model/error.h"

#include <elf.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <cmocka.h>

/* A file of two sections: the words, and the names. */
struct file {
	Elf64_Ehdr head;
	Elf64_Shdr sections[3];
	char       words[8], names[24];
};

static const struct file whole = {
	.head = { .e_ident = { 0x7f, 'E', 'L', 'F', ELFCLASS64, ELFDATA2LSB },
	          .e_shoff = offsetof(struct file, sections),
	          .e_shentsize = sizeof(Elf64_Shdr), .e_shnum = 3, .e_shstrndx = 2 },
	.sections = {
		[1] = { .sh_name = 1, .sh_offset = offsetof(struct file, words), .sh_size = 7 },
		[2] = { .sh_name = 8, .sh_offset = offsetof(struct file, names), .sh_size = 18 },
	},
	.words = "f, i32\n",
	.names = "\0.words\0.shstrtab",
};

/* Reads the section of a file with these bytes. */
static int read_of(const void *bytes, size_t len, const char *name, size_t max,
                   char **ret_words)
{
	int  fd = memfd_create("file", MFD_CLOEXEC);
	char path[64];
	int  r;

	assert_true(fd >= 0);
	assert_int_equal(write(fd, bytes, len), len);
	snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
	r = rh_section_read(path, name, max, ret_words);
	close(fd);
	return r;
}

static void test_a_section_is_read_by_its_name(void **state)
{
	char *words = NULL;

	(void)state;
	assert_int_equal(read_of(&whole, sizeof whole, ".words", 7, &words), RH_OK);
	assert_string_equal(words, "f, i32\n");
	free(words);
	assert_int_equal(read_of(&whole, sizeof whole, ".shstrtab", 100, &words), RH_OK);
	assert_memory_equal(words, whole.names, 18);
	free(words);
}

static void test_what_is_not_there_or_too_large(void **state)
{
	char *words = NULL;

	(void)state;
	assert_int_equal(read_of(&whole, sizeof whole, ".words", 6, &words), RH_EMSGSIZE);
	assert_int_equal(read_of(&whole, sizeof whole, ".word", 7, &words), RH_ENOENT);
	assert_int_equal(read_of(&whole, sizeof whole, ".wordss", 7, &words), RH_ENOENT);
	assert_int_equal(read_of("#!/bin/sh", 9, ".words", 7, &words), RH_EPROTO);
	assert_int_equal(rh_section_read("/nowhere", ".words", 7, &words), RH_ENOENT);
	assert_null(words);
}

/* The words stand before the names: without the end of those nothing is found. */
static void test_a_file_that_is_cut_off_says_nothing(void **state)
{
	(void)state;
	for (size_t len = 0; len < sizeof whole - 24 + 8; len++) {
		char *words = NULL;

		assert_int_not_equal(read_of(&whole, len, ".words", 7, &words), RH_OK);
		assert_null(words);
	}
}

/* Whatever a byte says, nothing beyond the file or the limit is given. */
static void test_a_file_that_lies(void **state)
{
	static const unsigned char lies[] = { 0x00, 0x01, 0x7f, 0x80, 0xff };

	(void)state;
	for (size_t at = 0; at < sizeof whole * sizeof lies; at++) {
		struct file file = whole;
		char       *words = NULL;

		((unsigned char *)&file)[at / sizeof lies] = lies[at % sizeof lies];
		if (read_of(&file, sizeof file, ".words", 7, &words) == RH_OK)
			assert_true(strlen(words) <= 7);
		else
			assert_null(words);
		free(words);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_section_is_read_by_its_name),
		cmocka_unit_test(test_what_is_not_there_or_too_large),
		cmocka_unit_test(test_a_file_that_is_cut_off_says_nothing),
		cmocka_unit_test(test_a_file_that_lies),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
