/* Who may attach: uid, executable, our own worker, agents, observers. */
#include "../../agent/admit.h"
#include "../../agent/agent.h"
#include "../../base/peer.h"
#include "../../wire/frame.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static struct rh_self self;
static struct rh_home home;
static struct rh_peer peer;
static struct rh_diag diag;
static char           file[] = "/usr/bin/file", python[] = "/usr/bin/python3";
static char          *exes[2] = { file, python };

static int set_up(void **unused)
{
	(void)unused;
	memset(&self, 0, sizeof self);
	memset(&home, 0, sizeof home);
	memset(&peer, 0, sizeof peer);
	memset(&diag, 0, sizeof diag);
	strcpy(self.name, "magic");
	self.uids[0] = 1000;
	self.uid_count = 1;
	home.uid = 500;
	strcpy(home.exe, "/opt/rhodes/rhodes-agent");
	strcpy(home.workers[0], "/opt/rhodes/rhodes-worker");
	peer.pid = 4711;
	peer.uid = 1000;
	peer.pidfd = -1;
	strcpy(peer.exe, "/usr/bin/file");
	return 0;
}

static int admit(uint32_t role, int serves)
{
	return rh_admit_process(&self, &home, &peer, role, serves, &diag);
}

static void the_registered_user_is_admitted(void **unused)
{
	(void)unused;
	assert_int_equal(admit(RH_ROLE_CALLER, 0), RH_OK);
	assert_int_equal(admit(RH_ROLE_CALLEE, 0), RH_OK);
	peer.uid = 1001;
	assert_int_equal(admit(RH_ROLE_CALLER, 0), RH_EIDENT);
	assert_non_null(strstr(diag.text, "4711"));
	assert_non_null(strstr(diag.text, "uid 1001"));
	assert_non_null(strstr(diag.text, "magic"));
	assert_non_null(strstr(diag.text, "uid 1000"));
	peer.uid = home.uid; /* nor is the agent's own, where others are */
	assert_int_equal(admit(RH_ROLE_CALLER, 0), RH_EIDENT);
	peer.uid = 0; /* not registered either, whoever it is */
	assert_int_equal(admit(RH_ROLE_CALLER, 0), RH_EIDENT);
}

/* Whose file it is says nothing: it becomes another one. */
static void who_is_scheduled_is_of_a_registered_user(void **unused)
{
	(void)unused;
	self.exes[0] = python;
	self.exe_count = 1;
	assert_int_equal(rh_admit_governed(&self, &home, &peer, &diag), RH_OK);
	peer.uid = 0;
	assert_int_equal(rh_admit_governed(&self, &home, &peer, &diag), RH_EIDENT);
	assert_non_null(strstr(diag.text, "uid 1000"));
	self.uid_count = 0;
	peer.uid = home.uid;
	assert_int_equal(rh_admit_governed(&self, &home, &peer, &diag), RH_OK);
	self.name[0] = '\0';
	assert_int_equal(rh_admit_governed(&self, &home, &peer, &diag), RH_EIDENT);
}

static void without_uids_only_the_agents_own_user(void **unused)
{
	(void)unused;
	self.uid_count = 0;
	assert_int_equal(admit(RH_ROLE_CALLER, 0), RH_EIDENT);
	peer.uid = home.uid;
	assert_int_equal(admit(RH_ROLE_CALLER, 0), RH_OK);
}

static void the_executable_must_be_registered(void **unused)
{
	(void)unused;
	memcpy(self.exes, exes, sizeof exes);
	self.exe_count = 2;
	assert_int_equal(admit(RH_ROLE_CALLER, 0), RH_OK);
	strcpy(peer.exe, "/usr/bin/fil");
	assert_int_equal(admit(RH_ROLE_CALLER, 0), RH_EIDENT);
	assert_non_null(strstr(diag.text, "/usr/bin/fil,"));
	assert_non_null(strstr(diag.text, "/usr/bin/file"));
	strcpy(peer.exe, "/usr/bin/file (deleted)"); /* replaced since it started */
	assert_int_equal(admit(RH_ROLE_CALLER, 0), RH_EIDENT);
	peer.exe[0] = 0; /* could not be read */
	assert_int_equal(admit(RH_ROLE_CALLER, 0), RH_EIDENT);
}

static void our_worker_may_serve_but_not_call_for_others(void **unused)
{
	(void)unused;
	memcpy(self.exes, exes, sizeof exes);
	self.exe_count = 2;
	strcpy(peer.exe, home.workers[0]);
	assert_int_equal(admit(RH_ROLE_CALLEE, 0), RH_OK);
	assert_int_equal(admit(RH_ROLE_CALLER, 0), RH_EIDENT);
	/* What it serves may call further down. */
	assert_int_equal(admit(RH_ROLE_CALLER, 1), RH_OK);
	peer.uid = home.uid; /* the supervisor started it */
	assert_int_equal(admit(RH_ROLE_CALLEE, 0), RH_OK);
	peer.uid = 1001;
	assert_int_equal(admit(RH_ROLE_CALLEE, 0), RH_EIDENT);
}

static void the_serving_program_may_serve(void **unused)
{
	char program[] = "/usr/sbin/nic";

	(void)unused;
	memcpy(self.exes, exes, sizeof exes);
	self.exe_count = 2;
	strcpy(peer.exe, program);
	assert_int_equal(admit(RH_ROLE_CALLEE, 0), RH_EIDENT);
	self.program = program;
	assert_int_equal(admit(RH_ROLE_CALLEE, 0), RH_OK);
	assert_int_equal(admit(RH_ROLE_CALLER, 0), RH_EIDENT);
}

static void other_roles_and_unregistered_resources_are_refused(void **unused)
{
	(void)unused;
	for (uint32_t role = 0; role < 8; role++) {
		int is_known = role == RH_ROLE_CALLER || role == RH_ROLE_CALLEE;

		assert_int_equal(admit(role, 0), is_known ? RH_OK : RH_EINVAL);
	}
	self.name[0] = 0;
	assert_int_equal(admit(RH_ROLE_CALLER, 0), RH_EIDENT);
	assert_non_null(strstr(diag.text, "not registered"));
}

static int admit_agent(void)
{
	return rh_admit_agent(&home, &peer, "file", &diag);
}

static void an_agent_is_our_program_and_user(void **unused)
{
	(void)unused;
	strcpy(peer.exe, home.exe);
	peer.uid = home.uid;
	assert_int_equal(admit_agent(), RH_OK);
	peer.uid = 0;
	assert_int_equal(admit_agent(), RH_OK);
	peer.uid = 1000;
	assert_int_equal(admit_agent(), RH_EIDENT);
	peer.uid = home.uid;
	strcpy(peer.exe, "/tmp/rhodes-agent");
	assert_int_equal(admit_agent(), RH_EIDENT);
	assert_non_null(strstr(diag.text, "/tmp/rhodes-agent"));
	peer.exe[0] = 0;
	assert_int_equal(admit_agent(), RH_EIDENT);
}

/* After an upgrade the file of an older agent is gone, its path is the same. */
static void an_agent_survives_an_upgrade(void **unused)
{
	(void)unused;
	peer.uid = home.uid;
	snprintf(peer.exe, sizeof peer.exe, "/opt/rhodes/rhodes-agent (deleted)");
	assert_int_equal(admit_agent(), RH_OK);
	strcpy(home.exe, peer.exe);
	strcpy(peer.exe, "/opt/rhodes/rhodes-agent");
	assert_int_equal(admit_agent(), RH_OK);
	strcpy(home.exe, " (deleted)");
	strcpy(peer.exe, " (deleted)");
	assert_int_equal(admit_agent(), RH_EIDENT);
}

static void observers_are_the_owner_and_root(void **unused)
{
	(void)unused;
	peer.uid = home.uid;
	assert_int_equal(rh_admit_observer(&home, &peer, &diag), RH_OK);
	peer.uid = 0;
	assert_int_equal(rh_admit_observer(&home, &peer, &diag), RH_OK);
	peer.uid = 1000;
	assert_int_equal(rh_admit_observer(&home, &peer, &diag), RH_EPERM);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(the_registered_user_is_admitted, set_up),
		cmocka_unit_test_setup(who_is_scheduled_is_of_a_registered_user, set_up),
		cmocka_unit_test_setup(without_uids_only_the_agents_own_user, set_up),
		cmocka_unit_test_setup(the_executable_must_be_registered, set_up),
		cmocka_unit_test_setup(our_worker_may_serve_but_not_call_for_others,
		                       set_up),
		cmocka_unit_test_setup(the_serving_program_may_serve, set_up),
		cmocka_unit_test_setup(other_roles_and_unregistered_resources_are_refused,
		                       set_up),
		cmocka_unit_test_setup(an_agent_is_our_program_and_user, set_up),
		cmocka_unit_test_setup(an_agent_survives_an_upgrade, set_up),
		cmocka_unit_test_setup(observers_are_the_owner_and_root, set_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
