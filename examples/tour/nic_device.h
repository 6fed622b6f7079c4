/* nic_device - the hardware of the tour: a TAP device, or a packet socket on one end of
 * a veth pair where TAP may not be opened.
 *
 * Used twice, unchanged: by libnic.so, which runs it inside the caller's process, and
 * by the program nic, which offers it as a resource of its own.
 *
 * Where the device stands is settled by the environment, so that one manifest serves:
 *   TOUR_NETNS   "new" (default): a fresh network namespace of the process's own;
 *                "here": the present one; else the path of a namespace to enter
 *   TOUR_NIC     "tap" (default): open or make the TAP device rhtap, else fall back to
 *                "veth": a packet socket on rhnic, whose pair is rhpeer
 *
 * Ownership   open gives, close takes.  NULL may be closed.
 * Threads     xmit, start, post: any.  pump: one thread only.
 * Errors      -1 with errno; open also writes a sentence. */
#ifndef TOUR_NIC_DEVICE_H
#define TOUR_NIC_DEVICE_H

#include "nic.h"

#include <stdbool.h>
#include <stddef.h>

#define NIC_WHY_BYTES 160u

struct nic_device;

/* What pump reports; both may be called once a pump, in this order. */
struct nic_upcalls {
	void (*frame)(void *user, const void *frame, uint32_t len);
	void (*ready)(void *user);
	void *user;
};

struct nic_device *nic_device_open(char why[NIC_WHY_BYTES]);
void nic_device_close(struct nic_device *device);

void nic_device_info(const struct nic_device *device, struct nic_info *info);
int nic_device_start(struct nic_device *device, uint32_t rx_slots);
int nic_device_post(struct nic_device *device, uint32_t count);

/* NIC_OK, NIC_BUSY or -1. */
int nic_device_xmit(struct nic_device *device, const void *frame, uint32_t len);

/* Waits for one frame and deals with it.  0, or -1 when the device is gone. */
int nic_device_pump(struct nic_device *device, const struct nic_upcalls *upcalls);

#endif
