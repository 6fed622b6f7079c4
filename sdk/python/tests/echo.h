/* echo - gives back what it gets: every kind of value that is carried.
 *
 * Threads  Any. */
#ifndef ECHO_H
#define ECHO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum echo_color { ECHO_RED, ECHO_GREEN = -3 };

struct echo_pair {
	uint64_t high;
	int8_t   low;
};

struct echo_deep {
	uint8_t  tag[3];
	int      low : 5, high : 11;
	unsigned flags : 7;
	double   weight;
	union {
		float   f;
		int32_t i;
	} either;
	struct {
		int16_t x, y;
	} at;
	int32_t          grid[2][3];
	struct echo_pair pairs[2];
	char             name[8];
	float            class;
};

struct echo_box;

int8_t   echo_i8(int8_t value);
int16_t  echo_i16(int16_t value);
int32_t  echo_i32(int32_t value);
int64_t  echo_i64(int64_t value);
uint8_t  echo_u8(uint8_t value);
uint16_t echo_u16(uint16_t value);
uint32_t echo_u32(uint32_t value);
uint64_t echo_u64(uint64_t value);
float    echo_f32(float value);
double   echo_f64(double value);
bool     echo_bool(bool value);
enum echo_color echo_color(enum echo_color value);

struct echo_deep echo_deep(struct echo_deep deep);
int echo_deep_pointer(const struct echo_deep *deep, struct echo_deep *ret_deep);
int echo_grid(const int32_t numbers[4], int32_t ret_numbers[4]);

/* in + 1 into both others; -1 without one. */
int echo_numbers(const int32_t *in, uint64_t *out, double *both);
int echo_maybe(const int32_t *number);

/* The first is borrowed; NULL for NULL. */
const char *echo_text(const char *text);
char *echo_own(const char *text);
int   echo_out_text(const char *text, char **ret_text);
int   echo_path(const char *path, char **ret_path);

/* How many bytes went over. */
int64_t echo_bytes(const void *bytes, size_t len, void *room, size_t cap);
int     echo_words(const uint32_t *words, int32_t count, uint32_t *room, uint32_t cap,
                   uint32_t *used);

/* Keeps the first half. */
int echo_half(void *bytes, size_t *len);

/* A descriptor of the same file. */
int echo_fd(int fd, int *ret_fd);

struct echo_box *echo_box_new(const char *text);
int              echo_box_two(struct echo_box **ret_box, struct echo_box *from);
const void      *echo_box_bytes(struct echo_box *box, size_t *ret_len);
struct echo_box *echo_box_same(struct echo_box *box);
const char      *echo_box_text(struct echo_box *box);
/* The text; borrowed of the box. */
const char      *echo_box_say(struct echo_box *box, const char *text);
void             echo_box_drop(struct echo_box *box);

/* How many there are in this process. */
int echo_box_count(void);

/* Waits until so many calls are in it at once; how many were. */
int echo_meet(int count);

/* An event: the number of a ring, counted from 1, also as a text that the caller frees. */
int  echo_rung(uint64_t *ret_number, struct echo_pair *ret_pair, char **ret_text);
void echo_ring(int8_t who, int count);

/* The process of the callee; its end. */
int  echo_pid(void);
int  echo_fail(int number);
void echo_die(void);

#endif
