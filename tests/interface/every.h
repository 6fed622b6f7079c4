/* A header with every kind of type that the generator must judge. */
#ifndef EVERY_H
#define EVERY_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#ifdef __cplusplus
extern "C" {
#endif

enum every_color { EVERY_RED, EVERY_GREEN = -3 };

struct every_plain {
	uint8_t  tag[3];
	int      low : 5, high : 11;
	double   weight;
	union {
		float   f;
		int32_t i;
	} either;
	struct {
		short x, y;
	} at;
};

struct every_pointed {
	int   count;
	char *text;
};

struct every_open {
	int fields;
};

typedef struct { unsigned long high, low; } every_pair_t;
typedef struct every_object *every_object_t;
typedef struct every_other every_other;
typedef void *every_blind_t;
typedef unsigned char every_id_t[16];
typedef int every_callback(int code, void *user);

/* numbers */
signed char every_i8(char a, signed char b, unsigned char c, bool d);
short every_i16(short a, unsigned short b);
int every_i32(int a, unsigned b, enum every_color c);
long every_i64(long a, unsigned long b, long long c, size_t d, intptr_t e);
float every_f32(float a, double b);

/* structs by value */
every_pair_t every_pair(every_pair_t pair, struct every_plain plain);
struct every_pointed every_bad_struct(int a);
int every_bad_struct_in(struct every_pointed p);
long double every_long_double(long double a);

/* text and bytes */
const char *every_text(const char *text, char *writable);
char *every_new_text(const char *text, char **made);
int every_read(const void *data, size_t size);
int every_read_u8(const uint8_t *data, unsigned data_len);
int every_fill(void *buffer, size_t room);
int every_fill_used(char *buffer, size_t room, size_t *used);
int every_fill_inout(char *buffer, unsigned *room);
int every_words(const uint32_t *words, int word_count);
const unsigned char *every_peek(every_object_t object, size_t *len);

/* handles */
every_object_t every_open(const char *path, int fd);
int every_make(every_other **made, every_object_t from);
void every_close(every_object_t object);
const every_other *every_look(const every_other *other);
every_blind_t every_blind(every_blind_t blind);
int every_open_struct(struct every_open *open, const struct every_open *other);

/* pointers to scalars and structs, arrays */
int every_scalars(int *in, unsigned long *out, double *both, void *any);
int every_structs(struct every_plain *out, const struct every_plain *in);
void every_id(every_id_t out, const every_id_t in);
int every_array(const int numbers[4], int count[]);

/* what nothing can carry */
int every_printf(const char *format, ...);
int every_vprintf(const char *format, va_list list);
int every_sort(int (*compare)(const void *, const void *));
every_callback *every_get_callback(every_callback *old);
int every_list(void **buffers, size_t *sizes);
int every_file(FILE *file);
void every_exit(int code) __attribute__((noreturn));
int every_many(int a, int b, int c, int d, int e, int f, int g, int h, int i, int j,
               int k, int l, int m, int n, int o, int p, int q);
int every_knr();

/* a body in the header, a macro over a name, an old name, an event */
static inline int every_inline(int a)
{
	return a + 1;
}
int every_macro(int a);
#define every_macro(a) (every_macro)((a) + 0)
int every_renamed(int a) __asm__("every_real_name");
int every_old(int a) __attribute__((deprecated));
int every_event(struct every_plain *what);

extern int every_counter;

#ifdef __cplusplus
}
#endif
#endif
