/* things - a small library that the SDK's tests call in another process.
 *
 * What it did it writes into a ledger, a file mapped by the tests as well, so that a
 * test knows how often a call really ran, and can hold a call in the middle. */
#ifndef THINGS_H
#define THINGS_H

#include <stddef.h>
#include <stdint.h>

#define THINGS_IDS 256

struct things_ledger {
	uint32_t ran[THINGS_IDS]; /* how often a call with that id ran            */
	uint32_t entered;         /* futex: calls that are held                   */
	uint32_t gate;            /* futex: held calls go on when it is not 0     */
	uint32_t boxes;           /* boxes that live, over all processes          */
	uint32_t inside;          /* calls that run right now                     */
	uint32_t inside_max;
	uint32_t workers;         /* processes that loaded the library            */
	uint32_t told;            /* futex: events to tell                        */
	uint32_t next[THINGS_IDS]; /* number of the next call of that sequence    */
	uint32_t disorder;        /* calls that ran out of their turn             */
	uint32_t freed;           /* futex: one held call more may go on          */
	uint8_t  is_free[THINGS_IDS]; /* which                                    */
};

typedef struct box  box;
typedef struct lid  lid;
typedef struct vase vase;

struct things_pair {
	int    a;
	double b;
};

int  things_add(int a, int b);
int  things_once(int id);
int  things_again(int id);
int  things_hold(int id);
int  things_hold_again(int id);
int  things_die(int id);
int  things_die_first(int id);
long things_copy(const void *in, size_t in_len, void *out, size_t cap);
int  things_fill(size_t *len, char *buffer);

/* What a failed call returns. */
double             things_die_double(void);
struct things_pair things_die_pair(void);
const char        *things_die_text(void);
unsigned           things_die_unsigned(void);
void               things_die_void(void);
int                things_callback(int (*callback)(void));

/* Made again in the next instance. */
box *box_new(int value);
int  box_set(box *of, int value);
int  box_get(const box *of);
void box_free(box *of);
int  box_die(box *of);

/* Made from a box, and made again with it. */
lid *lid_new(box *on);
int  lid_get(const lid *of);
void lid_free(lid *of);

/* Broken for good. */
vase *vase_new(int value);
int   vase_get(const vase *of);
int   vase_look(const vase *of);
void  vase_free(vase *of);

/* The caller's process, as the callee sees it: directory, umask, $THINGS, charset. */
const char *things_where(const char *path);
int         things_touch(const char *path);
int         things_read(int fd, void *buffer, size_t cap);
int         things_open(const char *path);
int         things_print(const char *text);

int things_event(int *value);

#endif
