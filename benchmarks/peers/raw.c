/* raw - the peers that need nothing but the kernel. */
#include "peers.h"


int main(int argc, char **argv)
{
	const struct bench_transport list[] = {
		bench_slot_spin, bench_slot_futex, bench_pipe, bench_stream,
		bench_mqueue, bench_shared_queue, bench_relay_epoll, bench_relay_futex, { 0 },
	};

	return bench_main(argc, argv, list);
}
