/* wire_frame - the tour's frames as they stand on the wire: Ethernet, IPv4, TCP and one
 * HTTP message with a number in it.  Python's twin is frames.py. */
#ifndef TOUR_WIRE_FRAME_H
#define TOUR_WIRE_FRAME_H

#include <stddef.h>
#include <stdint.h>

#define WIRE_FRAME_MAX 256u

/* Writes response number `number`; returns the frame's length. */
size_t wire_response(uint8_t frame[WIRE_FRAME_MAX], const uint8_t to[6],
                     const uint8_t from[6], uint32_t number);

/* The number of a request, when every header, length and checksum of the frame is
 * right; else -1. */
long wire_request(const uint8_t *frame, size_t len);

#endif
