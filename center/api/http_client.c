#include "http_request.h"

#include "listen.h"

#include "../../base/peer.h"
#include "../../model/error.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

void rh_http_identify(struct rh_client *client, int fd, int is_tcp)
{
	struct rh_peer peer;

	*client = (struct rh_client){ .uid = (uid_t)-1, .channel = "unix" };
	if (is_tcp) {
		client->channel = "tcp";
		client->uid = geteuid();
		client->is_writer = 1; /* every request is asked for the token */
	} else if (rh_peer_init(&peer, fd, NULL) == RH_OK) {
		client->pid = peer.pid;
		client->uid = peer.uid;
		client->is_writer = peer.uid == 0 || peer.uid == geteuid();
		snprintf(client->exe, sizeof client->exe, "%.255s", peer.exe);
		rh_peer_fini(&peer);
	}
}

int rh_http_check_tcp(const struct rh_http_request *own, const char *token,
                      unsigned port, struct rh_problem *problem)
{
	char host[3][32];

	snprintf(host[0], sizeof host[0], "127.0.0.1:%u", port);
	snprintf(host[1], sizeof host[1], "localhost:%u", port);
	snprintf(host[2], sizeof host[2], "[::1]:%u", port);
	if (strcmp(own->host, host[0]) != 0 && strcmp(own->host, host[1]) != 0 &&
	    strcmp(own->host, host[2]) != 0)
		return rh_problem_set(problem, RH_EACCES, "the Host header is not this "
		                      "server's: %.100s", own->host);
	if (!rh_token_matches(token, own->authorization)) {
		rh_problem_set(problem, RH_EACCES, "over TCP every request needs "
			"\"Authorization: Bearer <token>\"; the token is in the run directory");
		problem->status = 401;
		return RH_EACCES;
	}
	return RH_OK;
}
