/* handlers - what answers requests, by the file that holds it.
 *
 * A handler sets request->reply and stages changes; it neither commits nor waits.
 *
 * Threads  One. */
#ifndef RH_CENTER_API_HANDLERS_H
#define RH_CENTER_API_HANDLERS_H

#include "route.h"

/* objects.c */
rh_handler rh_api_list;
rh_handler rh_api_get;
rh_handler rh_api_put;
rh_handler rh_api_delete;
rh_handler rh_api_apply;

/* watch.c */
rh_handler rh_api_watch;

/* modules.c */
rh_handler rh_api_module_get;
rh_handler rh_api_module_put;
rh_handler rh_api_module_publish;

/* rollouts.c */
rh_handler rh_api_rollouts;
rh_handler rh_api_rollout;
rh_handler rh_api_history;
rh_handler rh_api_rollout_pause;
rh_handler rh_api_rollout_resume;
rh_handler rh_api_rollout_undo;

/* runs.c */
rh_handler rh_api_runs;
rh_handler rh_api_runs_of;
rh_handler rh_api_lines;

/* explain.c */
rh_handler rh_api_explain;
rh_handler rh_api_can_i;

/* seen.c */
rh_handler rh_api_observed;

/* matrix.c */
rh_handler rh_api_matrix;

/* status.c */
rh_handler rh_api_agents;
rh_handler rh_api_audit;
rh_handler rh_api_system;
rh_handler rh_api_openapi;
rh_handler rh_api_healthz;
rh_handler rh_api_readyz;

/* metrics.c */
rh_handler rh_api_metrics;

#endif
