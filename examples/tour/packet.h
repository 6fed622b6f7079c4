/* packet - a packet socket on one interface: every frame that arrives there. */
#ifndef TOUR_PACKET_H
#define TOUR_PACKET_H

#include <stdint.h>

/* Opens it; type is SOCK_CLOEXEC, perhaps with SOCK_NONBLOCK.  *ret_window is the number
 * of frames that the kernel certainly queues for it.  -1 with errno. */
int packet_open(const char *interface, int type, uint32_t *ret_window);

#endif
