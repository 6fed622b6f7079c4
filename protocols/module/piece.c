#include "piece.h"

#include <string.h>

#define ODD 0x9e3779b97f4a7c15u

uint32_t rh_piece_sum(const void *bytes, uint32_t len)
{
	const unsigned char *at = bytes;
	uint64_t             sum = len * ODD, word;

	for (; len >= sizeof word; len -= (uint32_t)sizeof word, at += sizeof word) {
		memcpy(&word, at, sizeof word);
		sum = (sum ^ word) * ODD;
		sum ^= sum >> 32;
	}
	word = 0;
	memcpy(&word, at, len);
	sum = (sum ^ word) * ODD;
	return (uint32_t)(sum >> 32);
}

uint32_t rh_piece_count(uint32_t len, uint32_t *ret_last)
{
	uint32_t count = (len + RH_PIECE_MAX - 1) / RH_PIECE_MAX;

	*ret_last = len - (count - 1) * RH_PIECE_MAX;
	return count;
}
