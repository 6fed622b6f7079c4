#include "netdriver.h"

#include "nic.h"

#include "../../sdk/c/rhodes-softirq.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define TX_SLOTS 64u
#define RX_SLOTS 256u
#define RX_BATCH 32u /* slots are posted to the nic in such portions */

#define POLL_FRAMES 32u /* are pulled from the nic at a time */
#define POLL_BYTES  (POLL_FRAMES * (sizeof(struct nic_header) + IGB_FRAME_MAX))

/* A queue of frames: [tail, head) of slots, both counted up for ever. */
struct queue {
	struct sk_buff *slots;
	uint32_t        size;
	uint64_t        head;
	uint64_t        tail;
};

struct igb_ring {
	struct queue     tx;
	struct queue     rx;
	uint32_t         rx_unposted; /* pulled, not yet given back to the nic */
	struct igb_stats stats;
	struct nic_info  nic;
	struct sk_buff   tx_slots[TX_SLOTS];
	struct sk_buff   rx_slots[RX_SLOTS];
};

/* lock guards `active` and what it points to.  Nobody waits for the nic with it. */
static pthread_mutex_t  lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t   changed;
static pthread_once_t   once = PTHREAD_ONCE_INIT;
static struct igb_ring *active;
static struct rh_tasklet *receiving;

static struct sk_buff *head_slot(struct queue *queue)
{
	if (queue->head - queue->tail == queue->size)
		return NULL;
	return &queue->slots[queue->head % queue->size];
}

static struct sk_buff *tail_slot(struct queue *queue)
{
	if (queue->head == queue->tail)
		return NULL;
	return &queue->slots[queue->tail % queue->size];
}

static void copy_frame(struct sk_buff *to, const void *data, uint32_t len)
{
	to->len = len;
	memcpy(to->data, data, len);
}

/* Hands waiting frames to the nic, in order, until it has no credit.  -1: it failed for
 * one, which is given up: the nic may have sent it, and twice would be worse. */
static int flush_tx(struct igb_ring *ring)
{
	for (struct sk_buff *skb; (skb = tail_slot(&ring->tx)) != NULL;) {
		int result = nic_xmit(skb->data, skb->len);

		if (result == NIC_BUSY) {
			ring->stats.nic_busy++;
			return 0;
		}
		ring->tx.tail++;
		if (result != NIC_OK) {
			ring->stats.tx_errors++;
			return -1;
		}
		ring->stats.tx_frames++;
	}
	return 0;
}

static void on_frame(struct igb_ring *ring, const uint8_t *frame, uint32_t len)
{
	struct sk_buff *skb = head_slot(&ring->rx);

	ring->stats.rx_taken++;
	if (skb && len <= IGB_FRAME_MAX) {
		copy_frame(skb, frame, len);
		ring->rx.head++;
	} else {
		ring->stats.rx_missed++;
	}
}

/* What the nic gave, into the ring; returns how many frames it was. */
static uint32_t fill_rx(struct igb_ring *ring, const uint8_t *at, uint32_t bytes)
{
	struct nic_header header;
	uint32_t          count = 0;

	for (; bytes >= sizeof header; count++) {
		memcpy(&header, at, sizeof header);
		if (header.len > bytes - sizeof header)
			break;
		if (ring)
			on_frame(ring, at + sizeof header, header.len);
		at += sizeof header + header.len;
		bytes -= (uint32_t)sizeof header + header.len;
	}
	return count;
}

/* Takes a portion from the nic; returns how many frames it was. */
static uint32_t pull(uint32_t most)
{
	static uint8_t frames[POLL_BYTES]; /* ksoftirqd polls one at a time */
	int            bytes = nic_clean(frames, sizeof frames, most);
	uint32_t       count;

	pthread_mutex_lock(&lock);
	count = fill_rx(active, frames, bytes < 0 ? 0 : (uint32_t)bytes);
	if (active)
		active->stats.rx_polls++;
	pthread_cond_broadcast(&changed);
	pthread_mutex_unlock(&lock);
	return count;
}

/* Figure 9, step 6: ksoftirqd has the driver pull frames.  They wait in the ring until
 * the caller takes them. */
static uint32_t poll(void *unused, uint32_t budget)
{
	uint32_t done = 0, most, count;

	(void)unused;
	do {
		most = budget - done < POLL_FRAMES ? budget - done : POLL_FRAMES;
		count = pull(most);
		done += count;
	} while (count == most && done < budget);
	return done;
}

static int arm(void *unused)
{
	(void)unused;
	return nic_interrupts(1) == 1;
}

/* Steps 3 and 4, the handler of the nic's interrupts, as long as the process lives: it
 * leaves the work to ksoftirqd. */
static void *interrupts(void *unused)
{
	struct nic_event event;

	for (;;) {
		if (nic_next_event(&event) != 0) {
			if (errno == EAGAIN || errno == ETIMEDOUT)
				continue; /* nothing came for a long time */
			return unused;
		}
		pthread_mutex_lock(&lock);
		if (active && event.kind == NIC_FRAMES)
			active->stats.rx_interrupts++;
		pthread_cond_broadcast(&changed);
		pthread_mutex_unlock(&lock);
		if (event.kind == NIC_FRAMES)
			rh_softirq_raise(receiving);
	}
}

static void start_once(void)
{
	pthread_condattr_t attr;
	pthread_t thread;

	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&changed, &attr);
	pthread_condattr_destroy(&attr);
	if (rh_softirq_open(poll, arm, NULL, &receiving) == 0 &&
	    pthread_create(&thread, NULL, interrupts, NULL) == 0)
		pthread_detach(thread);
}

static struct igb_ring *new_ring(void)
{
	struct igb_ring *ring = calloc(1, sizeof *ring);

	if (!ring)
		return NULL;
	ring->tx = (struct queue){ .slots = ring->tx_slots, .size = TX_SLOTS };
	ring->rx = (struct queue){ .slots = ring->rx_slots, .size = RX_SLOTS };
	if (nic_info(&ring->nic) == 0)
		return ring;
	free(ring);
	return NULL;
}

struct igb_ring *igb_ring_open(void)
{
	pthread_once(&once, start_once);
	struct igb_ring *ring = new_ring();
	if (!ring)
		return NULL;

	pthread_mutex_lock(&lock);
	if (active) {
		errno = EBUSY;
		goto fail;
	}
	active = ring;
	if (nic_start(RX_SLOTS) != 0) {
		active = NULL;
		goto fail;
	}
	pthread_mutex_unlock(&lock);
	return ring;
fail:
	pthread_mutex_unlock(&lock);
	free(ring);
	return NULL;
}

/* The lock is held on success. */
static int enter(const struct igb_ring *ring)
{
	pthread_mutex_lock(&lock);
	if (ring && ring == active)
		return 0;
	pthread_mutex_unlock(&lock);
	errno = EINVAL;
	return -1;
}

int igb_ring_close(struct igb_ring *ring)
{
	if (enter(ring) != 0)
		return -1;
	active = NULL;
	nic_start(0);
	pthread_cond_broadcast(&changed);
	pthread_mutex_unlock(&lock);
	free(ring);
	return 0;
}

int igb_xmit_frame_ring(struct sk_buff *skb, struct igb_ring *ring)
{
	int result = NETDEV_TX_OK;

	if (skb->len < NIC_FRAME_MIN || skb->len > IGB_FRAME_MAX) {
		errno = EMSGSIZE;
		return -1;
	}
	if (enter(ring) != 0)
		return -1;
	struct sk_buff *slot = head_slot(&ring->tx);
	if (!slot && flush_tx(ring) == 0)
		slot = head_slot(&ring->tx);
	if (slot) {
		uint64_t own = ring->tx.head++;

		copy_frame(slot, skb->data, skb->len);
		if (flush_tx(ring) != 0 && ring->tx.tail > own)
			result = -1;
	} else {
		ring->stats.tx_busy++;
		result = NETDEV_TX_BUSY;
	}
	pthread_mutex_unlock(&lock);
	return result;
}

int igb_clean_rx(struct igb_ring *ring, struct sk_buff *skb)
{
	if (enter(ring) != 0)
		return -1;
	const struct sk_buff *slot = tail_slot(&ring->rx);
	if (slot) {
		copy_frame(skb, slot->data, slot->len);
		ring->rx.tail++;
		ring->stats.rx_frames++;
		ring->rx_unposted++;
		if (ring->rx_unposted >= RX_BATCH && nic_rx_post(ring->rx_unposted) == 0)
			ring->rx_unposted = 0;
	}
	pthread_mutex_unlock(&lock);
	return slot != NULL;
}

static int conditions(struct igb_ring *ring)
{
	int now = 0;

	flush_tx(ring);
	if (head_slot(&ring->tx))
		now |= IGB_TX_ROOM;
	if (!tail_slot(&ring->tx))
		now |= IGB_TX_IDLE;
	if (tail_slot(&ring->rx))
		now |= IGB_RX_READY;
	return now;
}

static struct timespec after_ms(int timeout_ms)
{
	struct timespec until;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += timeout_ms / 1000;
	until.tv_nsec += timeout_ms % 1000 * 1000000L;
	if (until.tv_nsec >= 1000000000L) {
		until.tv_nsec -= 1000000000L;
		until.tv_sec++;
	}
	return until;
}

int igb_ring_wait(struct igb_ring *ring, int wanted, int timeout_ms)
{
	struct timespec until = after_ms(timeout_ms);
	int now, timed_out = 0;

	if (enter(ring) != 0)
		return -1;
	while (!((now = conditions(ring)) & wanted) && !timed_out) {
		timed_out = pthread_cond_timedwait(&changed, &lock, &until);
		if (ring != active) { /* closed meanwhile */
			now = 0;
			break;
		}
	}
	pthread_mutex_unlock(&lock);
	return now & wanted ? now : 0;
}

int igb_ring_stats(struct igb_ring *ring, struct igb_stats *stats)
{
	if (enter(ring) != 0)
		return -1;
	*stats = ring->stats;
	pthread_mutex_unlock(&lock);
	return 0;
}

const char *igb_ring_device(struct igb_ring *ring)
{
	if (enter(ring) != 0)
		return NULL;
	pthread_mutex_unlock(&lock);
	return ring->nic.device;
}
