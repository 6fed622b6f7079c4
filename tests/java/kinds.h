/* kinds - a service with a function for each kind of type that an interface can have, for
 * the tests of languages. */
#ifndef KINDS_H
#define KINDS_H

#include <stddef.h>
#include <stdint.h>

struct point {
	int16_t x, y;
};

struct plain {
	uint8_t      tag[3];
	int          low : 5;
	unsigned     high : 11;
	double       weight;
	struct point at[2];
	union {
		float   f;
		int32_t i;
	} either;
	uint64_t     big;
};

struct pot; /* holds a number */

int8_t   kinds_i8(int8_t a);
uint8_t  kinds_u8(uint8_t a);
int16_t  kinds_i16(int16_t a);
uint16_t kinds_u16(uint16_t a);
int32_t  kinds_i32(int32_t a);
uint32_t kinds_u32(uint32_t a);
int64_t  kinds_i64(int64_t a);
uint64_t kinds_u64(uint64_t a);
float    kinds_f32(float a);
double   kinds_f64(double a);

/* What it was asked, and the same twice behind it. */
const char *kinds_text(const char *text);
char       *kinds_new_text(const char *text);
int         kinds_text_length(const char *text); /* -1: NULL */

/* The sum of the bytes; all of them one higher. */
uint64_t kinds_sum(const void *bytes, size_t length);
int      kinds_fill(const char *seed, uint8_t *bytes, size_t room, size_t *used);
long     kinds_read(uint8_t *bytes, size_t room);
int64_t  kinds_sum32(const int32_t *numbers, uint32_t count);
int      kinds_raise(uint8_t *bytes, size_t length);
void     kinds_lower(uint8_t *bytes, size_t length);      /* one lower each  */
void     kinds_take(uint8_t *bytes, uint32_t *room);       /* 0, 1, ...; 3 at most */
const uint8_t *kinds_peek(size_t wanted, size_t *length);

/* Each member one more, the tag reversed. */
struct plain kinds_plain(struct plain plain);
int          kinds_turn(struct plain *plain);
int          kinds_make(int seed, struct plain *plain);
int          kinds_check(const struct plain *plain); /* -1: NULL; else low */

void kinds_divide(int a, int b, int *quotient, int *rest);
int  kinds_count(int *counter);
void kinds_id(const uint8_t in[16], uint8_t out[16]);
int  kinds_fail(int number); /* sets errno to that and returns -1 */

struct pot *kinds_pot(int number);
int         kinds_pot_get(struct pot *pot);
int         kinds_pot_pour(struct pot *from, struct pot **made); /* a pot of the same */
void        kinds_pot_close(struct pot *pot);
int         kinds_pots(void); /* how many there are */

/* Rings so often; each ring is an event, that says the caller's number and which it is,
 * counted from 1. */
void kinds_ring(int64_t who, int count);
int  kinds_rung(int64_t *who, struct point *number);

int kinds_die(void); /* ends the process */

#endif
