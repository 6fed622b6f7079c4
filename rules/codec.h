/* codec - the rule of hook `protocol` at one end of a channel: pieces of messages into
 * bytes and back.
 *
 * What the rule says is checked: lengths that cannot be, more bytes than it said, bytes
 * used that were not there.  Any failure is final for who uses it: a fresh instance
 * knows nothing of the stream.
 *
 * Ownership  Owns the rule, which is this end's alone.
 * Threads    Those of the rule. */
#ifndef RH_RULES_CODEC_H
#define RH_RULES_CODEC_H

#include <stdint.h>

struct rh_codec;
struct rh_diag;
struct rh_rule;

enum rh_codec_side { RH_CODEC_CALLER, RH_CODEC_CALLEE };

/* Takes the rule, also on failure.
 * RH_ERULE   it failed.  RH_EINVAL  it refuses this channel.  RH_ENOMEM. */
int rh_codec_open(struct rh_rule *rule, enum rh_codec_side side,
                  struct rh_codec **ret_codec, struct rh_diag *diag);
void rh_codec_close(struct rh_codec *codec);

/* Where a message to send is put, RH_PROTOCOL_MESSAGE_MAX bytes; NULL: it failed. */
void *rh_codec_message(struct rh_codec *codec);

/* Where bytes that came are put, RH_PROTOCOL_BYTES_MAX; NULL: it failed. */
void *rh_codec_bytes(struct rh_codec *codec);

/* The most bytes that a message of that length becomes.  RH_ERULE. */
int rh_codec_most(struct rh_codec *codec, uint32_t length);

/* The message that was put: how many bytes it became, in *ret_bytes until the rule is
 * called again.  RH_ERULE. */
int rh_codec_send(struct rh_codec *codec, uint32_t length, const void **ret_bytes);

/* Of the bytes that were put those from at to end, which were not used yet: the
 * length of the next message, in *ret_message until the rule is called again, or 0, more
 * are needed.  *ret_used of them are done with in any case.  RH_ERULE. */
int rh_codec_receive(struct rh_codec *codec, uint32_t at, uint32_t end,
                     uint32_t *ret_used, const void **ret_message);

/* The rule, to count and to ask why it failed. */
struct rh_rule *rh_codec_rule(struct rh_codec *codec);

#endif
