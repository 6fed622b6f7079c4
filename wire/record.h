/* record - the payload of frames: tag u16, reserved u16, length u32, bytes.
 *
 * Records follow each other without padding; a record may hold records.  A
 * reader skips tags it does not know, so a newer peer may add some.
 *
 * Ownership   The caller owns the buffer; read items borrow from it.
 * Threads     Any, one at a time per writer or reader.
 * Invariants  R1  used <= cap.
 *             R2  a failed writer stays failed and writes nothing more: check
 *                 once, at the end, with rh_record_end.
 *             R3  a reader never looks beyond len. */
#ifndef RH_WIRE_RECORD_H
#define RH_WIRE_RECORD_H

#include <stddef.h>
#include <stdint.h>

#define RH_RECORD_HEAD 8u /* bytes of a record before its own */

struct rh_record_writer {
	unsigned char *bytes;
	size_t         cap;
	size_t         used;
	int            failed;
};

struct rh_record {
	uint16_t             tag;
	uint32_t             len;
	const unsigned char *bytes;
};

struct rh_record_reader {
	const unsigned char *bytes;
	size_t               len;
	size_t               at;
};

void rh_record_begin(struct rh_record_writer *writer, void *bytes, size_t cap);

void rh_record_put(struct rh_record_writer *writer, uint16_t tag,
                   const void *bytes, size_t len);
void rh_record_put_text(struct rh_record_writer *writer, uint16_t tag,
                        const char *text);
void rh_record_put_u32(struct rh_record_writer *writer, uint16_t tag, uint32_t v);
void rh_record_put_i32(struct rh_record_writer *writer, uint16_t tag, int32_t v);
void rh_record_put_u64(struct rh_record_writer *writer, uint16_t tag, uint64_t v);

/* Opens a record that holds records; returns its place for rh_record_close. */
size_t rh_record_open(struct rh_record_writer *writer, uint16_t tag);
void   rh_record_close(struct rh_record_writer *writer, size_t place);

/* The number of bytes written, or RH_EMSGSIZE when something did not fit. */
int rh_record_end(const struct rh_record_writer *writer);

void rh_record_read(struct rh_record_reader *reader, const void *bytes, size_t len);

/* 1 and the next record, 0 at the end, RH_EPROTO when the bytes are cut off. */
int rh_record_next(struct rh_record_reader *reader, struct rh_record *ret_record);

/* The first record with that tag: 0, or RH_ENOENT, or RH_EPROTO.  Does not move
 * the reader. */
int rh_record_find(const struct rh_record_reader *reader, uint16_t tag,
                   struct rh_record *ret_record);

/* Values of the first record with that tag.  RH_ENOENT when there is none,
 * RH_EPROTO when its length is wrong; outputs are untouched then. */
int rh_record_u32(const struct rh_record_reader *reader, uint16_t tag, uint32_t *ret);
int rh_record_i32(const struct rh_record_reader *reader, uint16_t tag, int32_t *ret);
int rh_record_u64(const struct rh_record_reader *reader, uint16_t tag, uint64_t *ret);

/* Copies a text with a NUL.  RH_EMSGSIZE when it does not fit, RH_EPROTO when it
 * holds a NUL; the result is untouched then. */
int rh_record_text(const struct rh_record_reader *reader, uint16_t tag, char *text,
                   size_t cap);
int rh_record_copy_text(const struct rh_record *record, char *text, size_t cap);

#endif
