/* nic_device - the hardware of the tour: a TAP device, or a packet socket on one end of
 * a veth pair where TAP may not be opened.
 *
 * libnic.so is made of it.  Without Rhodes that runs inside the driver's process, under
 * Rhodes in a process of its own.
 *
 * Where the device stands is settled by the environment, so that one manifest serves:
 *   TOUR_NETNS   "new" (default): a fresh network namespace of the process's own;
 *                "here": the present one; else the path of a namespace to enter
 *   TOUR_NIC     "tap" (default): open or make the TAP device rhtap, else fall back to
 *                "veth": a packet socket on rhnic, whose pair is rhpeer
 *
 * Ownership   open gives, close takes.  NULL may be closed.
 * Threads     xmit, start, post, clean, interrupts: any.  next: one at a time.
 * Errors      -1 with errno; open also writes a sentence. */
#ifndef TOUR_NIC_DEVICE_H
#define TOUR_NIC_DEVICE_H

#include "nic.h"

#include <stdbool.h>
#include <stddef.h>

#define NIC_WHY_BYTES 160u

struct nic_device;

struct nic_device *nic_device_open(char why[NIC_WHY_BYTES]);
void nic_device_close(struct nic_device *device);

void nic_device_info(const struct nic_device *device, struct nic_info *info);
int nic_device_start(struct nic_device *device, uint32_t rx_slots);
int nic_device_post(struct nic_device *device, uint32_t count);

/* NIC_OK, NIC_BUSY or -1. */
int nic_device_xmit(struct nic_device *device, const void *frame, uint32_t len);

/* As nic_clean and nic_interrupts. */
int nic_device_clean(struct nic_device *device, void *frames, uint32_t room,
                     uint32_t budget);
int nic_device_interrupts(struct nic_device *device, int is_on);

/* Takes frames in until there is an event.  0, or -1 when the device is gone. */
int nic_device_next(struct nic_device *device, struct nic_event *event);

#endif
