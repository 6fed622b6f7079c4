/* watching_own - what the parts of watching share.
 *
 * watching.c follows the stream and begins again when it is lost; watching_ask.c waits
 * and reads answers; watching_stand.c reads how things stand when something was missed;
 * watching_print.c tells it.
 *
 * Ownership   rh_watching_run owns the struct.
 * Threads     One. */
#ifndef RH_CLI_WATCHING_OWN_H
#define RH_CLI_WATCHING_OWN_H

#include "stream.h"
#include "watching.h"

#include <stdint.h>

#define RH_STATUS_GONE 410 /* what changed since then is not known any more */

/* What follows on a step. */
enum rh_next {
	RH_NEXT_GO_ON,
	RH_NEXT_RESUME, /* the connection is lost               */
	RH_NEXT_AGAIN,  /* what was missed must be read first   */
	RH_NEXT_STOP,   /* Ctrl-C, or nobody reads              */
	RH_NEXT_FAIL,   /* told on err                          */
};

struct rh_watching {
	struct rh_cli                  *cli;
	const struct rh_watching_order *order;
	struct rh_stream               *stream;
	int         stop;         /* ready when it is to end                       */
	json_int_t  revision;     /* all up to it was told; -1: not known yet      */
	char        store[64];    /* whose revisions these are, "" not known yet   */
	json_t     *open;         /* names told of whose state may have gone on    */
	uint64_t    heard_ns;     /* when the stream said something                */
	int         wait_ms;      /* before the next attempt                       */
	bool        is_away;      /* ... and that it is was told                   */
	char        why[200];     /* it does not serve now, "": it is not there    */
	bool        was_lost;     /* how things stand must be read                 */
	bool        must_reset;   /* and everything else too                       */
};

/* --- printing ---- */

/* A line of the stream, as a row or as it is. */
void rh_watching_print(struct rh_watching *watching, json_t *line);

/* A line that only programs get; it is stolen. */
void rh_watching_print_own(struct rh_watching *watching, json_t *line);
void rh_watching_print_standing(struct rh_watching *watching, json_t *object);
void rh_watching_note(const struct rh_watching *watching, const char *text);

/* Nobody reads any more, or a signal came while nobody read: what is left to be written
 * is dropped. */
enum rh_next rh_watching_check_out(const struct rh_watching *watching);

/* --- asking ---- */

/* Until something came; RH_NEXT_GO_ON also when the time is up. */
enum rh_next rh_watching_await(struct rh_watching *watching, int timeout_ms);

/* The time until the next attempt, unless it is to be stopped. */
enum rh_next rh_watching_pause(struct rh_watching *watching);

bool rh_watching_is_silent(uint64_t since_ns);

/* A center that stops or is away may come back; a refusal will be one again. */
enum rh_next rh_watching_judge_refusal(struct rh_watching *watching);
enum rh_next rh_watching_judge_error(const struct rh_watching *watching, int error);

/* Waits for the whole answer; RH_NEXT_GO_ON sets *ret_json, a new reference. */
enum rh_next rh_watching_get(struct rh_watching *watching, const char *path,
                             json_t **ret_json);

/* --- how things stand ---- */

/* The state of the object of that name may go on. */
void rh_watching_remember(struct rh_watching *watching, const char *name);

/* How those stand of which news may have been missed. */
enum rh_next rh_watching_make_up(struct rh_watching *watching);

/* Everything there is, as if it had just been put. */
enum rh_next rh_watching_reset(struct rh_watching *watching);

#endif
