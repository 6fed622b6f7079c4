/* netdriver - the interface of libnetdriver: a network driver in the manner of Linux's
 * igb, with a transmit ring and a receive ring in front of one nic.
 *
 * Sending    igb_xmit_frame_ring takes a frame or answers NETDEV_TX_BUSY when the ring
 *            is full because the link has no room; then igb_ring_wait.
 * Receiving  the papers' Figure 9: an interrupt of the nic wakes ksoftirqd, which polls the
 *            nic and puts its frames into the ring, when and as many at a time as the rule
 *            of hook `softirq` says; igb_clean_rx pulls them.
 *
 * Ownership   A ring belongs to who opened it; there is one at a time.
 * Threads     Any; calls on one ring take turns.
 * Errors      -1 or NULL with errno. */
#ifndef TOUR_NETDRIVER_H
#define TOUR_NETDRIVER_H

#include <stdint.h>

#define IGB_FRAME_MAX 1514u

enum { NETDEV_TX_OK = 0x00, NETDEV_TX_BUSY = 0x10 };

/* What igb_ring_wait returns. */
enum {
	IGB_TX_ROOM  = 1 << 0, /* the transmit ring takes a frame    */
	IGB_TX_IDLE  = 1 << 1, /* every frame has gone to the nic    */
	IGB_RX_READY = 1 << 2, /* igb_clean_rx will return a frame   */
};

struct sk_buff {
	uint32_t len;
	uint8_t  data[IGB_FRAME_MAX];
};

struct igb_stats {
	uint64_t tx_frames; /* given to the nic                      */
	uint64_t tx_errors; /* given up: the nic failed              */
	uint64_t tx_busy;   /* answers of NETDEV_TX_BUSY             */
	uint64_t nic_busy;  /* the nic had no credit                 */
	uint64_t rx_frames; /* pulled                                */
	uint64_t rx_taken;  /* taken from the nic                    */
	uint64_t rx_missed; /* came without a slot: must stay 0      */
	uint64_t rx_interrupts; /* for frames                        */
	uint64_t rx_polls;  /* of the nic by ksoftirqd               */
};

struct igb_ring;

struct igb_ring *igb_ring_open(void);

/* Gives back the ring; frames that wait in it are lost. */
int igb_ring_close(struct igb_ring *ring);

/* NETDEV_TX_OK, NETDEV_TX_BUSY, or -1 when skb has no legal length or the nic failed. */
int igb_xmit_frame_ring(struct sk_buff *skb, struct igb_ring *ring);

/* Pulls one received frame: 1, or 0 when there is none. */
int igb_clean_rx(struct igb_ring *ring, struct sk_buff *skb);

/* Waits until one of the conditions in `wanted` holds, at most timeout_ms; returns all
 * that hold then (0: none of them in time). */
int igb_ring_wait(struct igb_ring *ring, int wanted, int timeout_ms);

int igb_ring_stats(struct igb_ring *ring, struct igb_stats *stats);

/* "tap rhtap", "veth rhnic": what the driver found below. */
const char *igb_ring_device(struct igb_ring *ring);

#endif
