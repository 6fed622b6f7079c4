/* nic - the interface of libnic: one network device, as hardware offers itself.
 *
 * The functions go down (driver -> hardware).  Events come up: nic_next_event waits for
 * the next one, as a driver waits for the interrupts of its device.
 *
 * Frames that arrive wait in the ring of the device.  The first one raises an interrupt,
 * and those after it none, until the driver has taken all and allows them again.
 *
 * Nothing is dropped for want of room.  The nic sends only what its link partner has
 * granted room for, and grants its partner only the receive slots that the driver has
 * posted (buffer credits, as Fibre Channel has them).
 *
 * Threads     Any; events to one thread at a time.
 * Errors      -1 with errno. */
#ifndef TOUR_NIC_H
#define TOUR_NIC_H

#include <stdint.h>

#define NIC_FRAME_MIN 14u
#define NIC_FRAME_MAX 1514u
#define NIC_RING      256u /* frames */

enum { NIC_OK = 0, NIC_BUSY = 1 };

struct nic_info {
	uint8_t  mac[6];
	uint8_t  partner_mac[6];
	uint32_t frame_max;
	char     device[32]; /* "tap rhtap", "packet rhnic" */
};

/* What nic_event.kind says. */
enum {
	NIC_FRAMES = 1, /* frames wait in the ring; interrupts are off now */
	NIC_READY  = 2, /* the link partner has made room                  */
};

struct nic_event {
	uint32_t kind;
};

/* Before each frame in what nic_clean gives. */
struct nic_header {
	uint32_t len;
};

/* Who the device is. */
int nic_info(struct nic_info *info);

/* Starts the link with rx_slots receive slots, NIC_RING at most; what was posted before is
 * void, what waited is lost, and interrupts are on.  With 0 nothing is received.
 * EINVAL  more slots than the ring has. */
int nic_start(uint32_t rx_slots);

/* Gives the device that many more receive slots. */
int nic_rx_post(uint32_t count);

/* Sends one frame.  NIC_BUSY: the link partner has no room; an event
 * NIC_READY follows.
 * EMSGSIZE  len is outside NIC_FRAME_MIN and NIC_FRAME_MAX. */
int nic_xmit(const void *frame, uint32_t len);

/* Takes at most budget frames from the ring, as many as there is room for: each a struct
 * nic_header and len bytes.  Returns the bytes. */
int nic_clean(void *frames, uint32_t room, uint32_t budget);

/* Turns interrupts on or off: 0.  1: they are not turned on, for frames wait. */
int nic_interrupts(int is_on);

/* Waits for the next event of the device and takes it: 0.
 * ENODEV  the device is gone. */
int nic_next_event(struct nic_event *event);

#endif
