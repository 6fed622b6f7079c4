/* nic - the interface of libnic: one network device, as hardware offers itself.
 *
 * The functions go down (driver -> hardware).  The two events come up: the nic calls
 * them by name in the driver, which defines them, as an interrupt would.
 *
 * Nothing is dropped for want of room.  The nic sends only what its link partner has
 * granted room for, and grants its partner only the receive slots that the driver has
 * posted (buffer credits, as Fibre Channel has them).
 *
 * Threads     Functions: any.  Events: one thread of the nic's choice, never two at
 *             once, never from inside a function.
 * Errors      -1 with errno. */
#ifndef TOUR_NIC_H
#define TOUR_NIC_H

#include <stdint.h>

#define NIC_FRAME_MIN 14u
#define NIC_FRAME_MAX 1514u

enum { NIC_OK = 0, NIC_BUSY = 1 };

struct nic_info {
	uint8_t  mac[6];
	uint8_t  partner_mac[6];
	uint32_t frame_max;
	char     device[32]; /* "tap rhtap", "packet rhnic" */
};

/* Who the device is. */
int nic_info(struct nic_info *info);

/* Starts reception with rx_slots receive slots; whatever was posted before is void. */
int nic_start(uint32_t rx_slots);

/* Gives the device that many more receive slots. */
int nic_rx_post(uint32_t count);

/* Sends one frame.  NIC_BUSY: the link partner has no room; nic_ready follows.
 * EMSGSIZE  len is outside NIC_FRAME_MIN and NIC_FRAME_MAX. */
int nic_xmit(const void *frame, uint32_t len);

/* Event: a frame arrived; it has used up one receive slot. */
void nic_frame(const void *frame, uint32_t len);

/* Event: the link partner has made room. */
void nic_ready(void);

#endif
