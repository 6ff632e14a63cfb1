# SPDX-License-Identifier: MIT
# What tests/model/run explores, and what is planted. Sourced by it.
# shellcheck disable=SC2086

# --- pond: quota, stack and waiters ------------------------------------------------

rest2="-DMAX=2 -DPRE=2 -DOPENERS=0"
rest1="-DMAX=1 -DPRE=1 -DOPENERS=0"

holds pond safety "3 borrowers, 2 sessions" -DNT=3 $rest2
holds pond safety "2 borrowers, 1 session, in strict order" -DNT=2 $rest1 -DOVERDUE=1
large pond safety "3 borrowers, 1 session, in strict order" -DNT=3 $rest1 -DOVERDUE=1
holds pond safety "2 borrowers, 1 session, twice each" -DNT=2 -DNN=4 -DK=2 $rest1
holds pond safety "2 borrowers, 1 session, 2 deadlines" -DNT=2 $rest1 -DLATE=2
holds pond safety "2 borrowers, nothing open yet" -DNT=2 -DMAX=1 -DOVERDUE=0
holds pond safety "1 waiter, 1 order" -DNT=1 -DK=2 -DNN=2 -DMAX=2 -DONE_ORDER_EACH
holds pond safety "1 waiter, 1 order, beside one who does not wait" -DNT=1 -DMAX=2 -DHASTY=1 -DONE_ORDER_EACH
holds pond safety "a connect fails" -DNT=1 -DMAX=1 -DFAILS=1
holds pond safety "a session is given up" -DNT=2 -DMAX=1 -DPRE=1 -DRETIRED=1 -DOVERDUE=0
holds pond safety "burst" -DNT=1 -DMAX=2 -DSIZE=0 -DHURRIES=1
holds pond safety "an order that fails beside a waiter" -DNT=1 -DK=2 -DNN=2 -DMAX=1 -DPRE=1 -DHASTY=1 -DRETIRED=1
holds pond safety "2 borrowers, 1 session, twice each, warm slot and stack" -DNT=2 -DNN=4 -DK=2 $rest1 -DPLACES=2
holds pond safety "1 waiter, 1 order, one who does not wait, 2 places" -DNT=1 -DMAX=2 -DHASTY=1 -DONE_ORDER_EACH -DPLACES=2
large pond safety "3 borrowers, 2 sessions, warm slot and stack" -DNT=3 $rest2 -DPLACES=2
large pond safety "2 loans that do not come back, 1 connect at a time" -DNT=2 -DMAX=2 -DWINDOW=1 -DKEEPS -DOVERDUE=0
holds pond safety "2 borrowers, 1 session, twice each, a nap" -DNT=2 -DNN=4 -DK=2 $rest1 -DNAPS=1
large pond safety "3 borrowers, 1 session, a nap" -DNT=3 $rest1 -DNAPS=1
holds pond progress "2 borrowers, 1 session" -DNT=2 $rest1 -DOVERDUE=0


plant pond safety 1 "a return does not look for waiters" -DNT=2 $rest1
plant pond safety 2 "a return trusts a wake that it saw before its put" -DNT=3 $rest1 -DOVERDUE=0
plant pond safety 27 "who looks for what rests overlooks the warm slot" -DNT=2 $rest1 -DPLACES=2
plant pond safety 3 "the quota is looked at and taken in two steps" -DNT=1 -DMAX=1 -DWINDOW=2 -DHASTY=1
plant pond safety 4 "the inbox is read and emptied in two steps" -DNT=3 $rest1
plant pond safety 5 "the window's place is given back before the put" -DNT=1 -DK=2 -DNN=2 -DMAX=2 -DONE_ORDER_EACH
plant pond safety 6 "a failed order does not look for whom it hid the window" -DNT=1 -DK=2 -DNN=2 -DMAX=1 -DPRE=1 -DHASTY=1 -DRETIRED=1
plant pond progress 7 "a pass looks after its own failed order" -DNT=2 $rest1
plant pond safety 8 "the list is unlocked although a note came" -DNT=2 $rest1
plant pond safety 9 "a waiter looks, then joins" -DNT=2 $rest1
plant pond safety 10 "a waiter parks over a wake" -DNT=2 $rest1
plant pond safety 11 "a woken loser keeps the wake token" -DNT=3 $rest1 -DOVERDUE=0
plant pond safety 12 "a woken loser does not look again" -DNT=3 $rest1 -DOVERDUE=0
plant pond safety 13 "what is given to one who naps leaves the token with him" -DNT=3 $rest1 -DNAPS=1
plant pond safety 28 "the warm slot is read and emptied in two steps" -DNT=2 $rest1 -DPLACES=2
plant pond safety 14 "a failed connect tells nobody" -DNT=1 -DMAX=1 -DFAILS=1
plant pond safety 15 "who arrived does not look after the window's place" -DNT=2 -DMAX=2 -DWINDOW=1 -DKEEPS -DOVERDUE=0
plant pond safety 16 "a failed connect keeps its place in the window" -DNT=1 -DMAX=1 -DFAILS=1
plant pond safety 17 "a place that is free again tells nobody" -DNT=2 -DMAX=1 -DPRE=1 -DRETIRED=1
plant pond safety 19 "what rests is seen and taken in two steps" -DNT=2 $rest1
plant pond safety 21 "a grant does not mind that the waiter has left" -DNT=2 $rest1 -DLATE=1
plant pond safety 22 "a wake leaves with one who timed out" -DNT=3 $rest1 -DLATE=1 -DOVERDUE=0
plant pond safety 24 "who was woken clears the token before he is uncounted" -DNT=1 -DMAX=2 -DHASTY=1 -DONE_ORDER_EACH
plant pond safety 23 "who left makes his node free himself" -DNT=2 $rest1 -DLATE=1


# --- close against acquire -----------------------------------------------------------

holds close safety "1 caller, 1 session, a keeper" -DNT=1 -DMAX=1 -DPRE=1 -DKEEPERS=1
holds close safety "1 caller, nothing open yet" -DNT=1 -DNN=2 -DMAX=1 -DOPENERS=1
holds close safety "2 callers, 1 session" -DNT=2 -DMAX=1 -DPRE=1 -DOVERDUE=0
large close safety "2 callers, 2 sessions, a keeper" -DNT=2 -DMAX=2 -DPRE=2 -DKEEPERS=1
large close safety "2 callers, 1 session, a keeper" -DNT=2 -DMAX=1 -DPRE=1 -DKEEPERS=1
plant close safety 31 "a take does not look at the flags again" -DNT=2 -DMAX=1 -DPRE=1
plant close safety 33 "a pass that refuses rings nobody" -DNT=2 -DMAX=1 -DPRE=1
plant close safety 36 "who goes to wait is no guest" -DNT=2 -DMAX=1 -DPRE=1
plant close safety 37 "the closer waits for no section" -DNT=1 -DMAX=1 -DPRE=1
plant close safety 39 "a return puts outside a section" -DNT=1 -DMAX=1 -DPRE=1
plant close safety 40 "drained once is drained for good" -DNT=1 -DMAX=1 -DPRE=1
plant close safety 42 "an opening that failed keeps its place" -DNT=1 -DNN=2 -DMAX=1 -DOPENERS=1

# --- giving against leaving -----------------------------------------------------------

holds leave safety "2 waiters, twice each, 1 node to share, 1 deadline" -DNN=1 -DDEADLINES=1
holds leave safety "2 waiters, twice each, 1 node to share, a nap" -DNN=1 -DDEADLINES=0 -DNAPS=1
large leave safety "2 waiters, twice each, 2 deadlines"
large leave safety "3 waiters, once each, 2 nodes to share, 2 deadlines" -DNT=3 -DK=1 -DNN=2 -DDEADLINES=2
large leave safety "3 waiters, once each, 2 nodes to share, a nap" -DNT=3 -DK=1 -DNN=2 -DDEADLINES=0 -DNAPS=1
plant leave safety 51 "a grant is looked at and given in two steps"
plant leave safety 52 "a leave is looked at and done in two steps"
plant leave safety 53 "the slot is written after the word"
plant leave safety 54 "the kernel sleeps without comparing"
plant leave safety 55 "nobody wakes who is parked"
plant leave safety 56 "the owner makes his node free himself"
plant leave safety 57 "a wake leaves with one who timed out"
plant leave safety 58 "the holder rests although one node has mail" -DNT=3 -DK=1

# --- the stack ---------------------------------------------------------------------------

holds stack safety "2 threads, 2 elements, twice each" -DNT=2
large stack safety "3 threads, 2 elements, twice each" -DNT=3
plant stack safety 71 "a pop without the generation (ABA)" -DNT=2
plant stack safety 72 "a push that does not compare" -DNT=2

# --- deferred reset against borrow --------------------------------------------------------

holds pending safety "2 borrowers, 2 sessions, a frozen one, a sweep"
large pending safety "3 borrowers, 2 sessions, a frozen one, 2 sweeps" -DNT=3 -DSWEEPS=2
plant pending safety 61 "who is out of patience lends it all the same"
plant pending safety 63 "the keeper takes an answer that is here for one that was read"
plant pending safety 64 "the sweep asks a session that owes an answer"
plant pending safety 65 "the flag stays when the answer was read"
plant pending safety 66 "nobody gives up an answer that does not come"
plant pending safety 67 "who gives a late one to the keeper lends it as well"
plant pending safety 68 "the flag does not come along with the session"

# --- the breaker ---------------------------------------------------------------------------

holds breaker safety "2 borrowers, 2 openers, 2 failures"
large breaker safety "3 borrowers, 2 openers, 3 failures" -DNT=3 -DFAILURES=3
holds breaker safety "2 borrowers, 2 openers, 2 failures, nobody fails fast" -DPATIENT
holds breaker served_or_refused "2 borrowers, 1 opener, 1 failure" -DOPENERS=1 -DFAILURES=1
holds breaker served_or_refused "the same, nobody fails fast" -DPATIENT -DOPENERS=1 -DFAILURES=1
plant breaker safety 81 "two tell the pond at once"
plant breaker safety 82 "a window that grew tells nobody" -DPATIENT
plant breaker safety 83 "after a failure no try comes due" -DPATIENT
plant breaker safety 84 "a failed connect tells nobody"
plant breaker served_or_refused 85 "a try that has come due is put off, again and again" -DPATIENT -DOPENERS=1 -DFAILURES=1

# --- store buffers ----------------------------------------------------------------------------

holds tso safety "a put and a look against a join and a look"
holds tso safety "the same on the stack" -DON_STACK
holds tso safety "2 returns, 2 waiters" -DRETURNS=2 -DNT=2
plant tso safety 91 "the put is a store"
plant tso safety 92 "the join is a store, and the look a load"
plant tso safety 93 "the list is unlocked by a store, after a look"
plant tso safety 94 "the note is a store"
plant tso safety 95 "the node is posted by a store" -DRETURNS=2 -DNT=2
