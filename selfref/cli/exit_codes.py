"""What the exit codes of `selfref` mean; a script may rely on them."""

OK = 0
FAILED = 1  # a part of the stack failed, or a check did
WRONG_USE = 2  # the command line or the request has to change
NOT_JUDGED = 3  # the pair, or a pair of the job, was accepted and ended without a judgment
STILL_WAITING = 4  # the pair is accepted and not judged yet
UNREACHABLE = 5  # nothing answers, or the service cannot take the request now
INTERRUPTED = 130  # by Ctrl-C or SIGTERM, before the end

JUDGE_EPILOG = (
    "[bold]Exit codes:[/bold] 0 judged (decided, tie or inconsistent) · 2 the command line or the request is wrong · "
    "3 the pair could not be judged · 4 not judged within --timeout · 5 the service does not answer"
)
UP_EPILOG = (
    "[bold]Exit codes:[/bold] 0 stopped by Ctrl-C or SIGTERM · 1 a part failed, which is named · "
    "2 the command line is wrong"
)
CALIBRATE_EPILOG = (
    "[bold]Exit codes:[/bold] 0 written · 1 refused with the reason, or a part failed · 2 the command line or the file "
    "is wrong · 5 the service does not answer"
)
DOCTOR_EPILOG = "[bold]Exit codes:[/bold] 0 nothing fails · 1 something does"
EXPORT_EPILOG = (
    "[bold]Exit codes:[/bold] 0 exported, be it no label · 1 the file could not be written · "
    "2 the command line or the cursor is wrong · 5 the service does not answer"
)
FOLLOW_EPILOG = (
    "[bold]Exit codes:[/bold] 0 every accepted pair was judged, or without --follow: all went well · "
    "2 the command line or the request is wrong · 3 the job ended as failed or canceled, or with failed pairs · "
    "5 the service does not answer · 130 following was stopped by Ctrl-C; the job goes on"
)
RESULTS_EPILOG = (
    "[bold]Exit codes:[/bold] 0 written, be it no result · 1 the file could not be written · "
    "2 the command line or the cursor is wrong · 5 the service does not answer"
)
JOBS_EPILOG = (
    "[bold]Exit codes:[/bold] 0 done · 2 the command line is wrong, or the job does not allow it · "
    "5 the service does not answer"
)
REJUDGE_EPILOG = (
    "[bold]Exit codes:[/bold] 0 derived again, or a noise floor · 1 a judgment is not what its readings amount to, "
    "another judge judged again, or a file could not be written · 2 the command line, the results or the pairs are "
    "wrong · 3 some pairs were not judged again · 5 the service does not answer"
)
