/* kinds - a library with every type that crosses, for the tests of Node: each function
 * gives back what it got, so that a test sees what arrived. */
#ifndef KINDS_H
#define KINDS_H

#include <stddef.h>
#include <stdint.h>

enum kinds_color { KINDS_RED, KINDS_GREEN = -3 };

struct kinds_inner {
	int16_t x, y;
};

struct kinds_outer {
	uint8_t            tag[3];
	int                low : 5;
	unsigned           high : 11;
	double             weight;
	float              share;
	union {
		float   f;
		int32_t i;
	} either;
	struct kinds_inner at[2];
	int64_t            big;
	uint64_t           bigs[2];
};

struct box;

int8_t   kinds_i8(int8_t value);
uint8_t  kinds_u8(uint8_t value);
int16_t  kinds_i16(int16_t value);
uint16_t kinds_u16(uint16_t value);
int32_t  kinds_i32(int32_t value);
uint32_t kinds_u32(uint32_t value);
int64_t  kinds_i64(int64_t value);
uint64_t kinds_u64(uint64_t value);
float    kinds_f32(float value);
double   kinds_f64(double value);
enum kinds_color kinds_enum(enum kinds_color value);
int64_t  kinds_mix(int8_t a, uint8_t b, int16_t c, uint16_t d, uint32_t e, int64_t f);

struct kinds_outer kinds_struct(struct kinds_outer value);
int  kinds_struct_in(const struct kinds_outer *value, struct kinds_outer *ret_value);
void kinds_struct_inout(struct kinds_inner *value);
void kinds_id(uint8_t out[16], const uint8_t in[16]);
int  kinds_scalars(int64_t in, int64_t *ret_twice, uint32_t *count, double *ret_half);

const char *kinds_text(const char *text);
const char *kinds_maybe(const char *text);
char       *kinds_own(const char *text);
int         kinds_text_out(const char *text, char **ret_text);
const char *kinds_broken(void);
int64_t     kinds_path(const char *path);

uint64_t kinds_sum(const void *bytes, size_t len);
int64_t  kinds_words(const uint32_t *words, uint32_t count);
int64_t  kinds_fill(void *bytes, size_t cap, uint32_t wanted);
int      kinds_copy(const void *bytes, size_t len, void *copy, size_t *room);
int      kinds_reverse(void *bytes, uint32_t len);
const unsigned char *kinds_peek(struct box *box, size_t *ret_len);
int64_t  kinds_drain(int fd);
int      kinds_open_null(void);

struct box *box_new(int value);
int         box_make(int value, struct box **ret_box);
int         box_get(const struct box *box);
int         box_set(struct box *box, int value);
struct box *box_self(struct box *box);
const char *box_name(struct box *box);
void        box_free(struct box *box);
int         box_count(void); /* that live */

/* Waits until so many calls of it wait; how many did. */
int  kinds_meet(int count);
int  kinds_waiting(void); /* how many do */

/* Rings so often; each ring is an event that says who rang and which it is. */
void kinds_ring(int64_t who, int count);
int  kinds_rung(int64_t *ret_who, struct kinds_inner *ret_number);

int  kinds_pid(void);
void kinds_die(void);
int  kinds_print(const char *format, ...);

#endif
