# SPDX-License-Identifier: MIT
# What tests/model/run explores, and what is planted. Sourced by it.

# --- pond: quota, stack and waiters ------------------------------------------------

rest2="-DMAX=2 -DPRE=2 -DOPENERS=0"
rest1="-DMAX=1 -DPRE=1 -DOPENERS=0"
# shellcheck disable=SC2086
{
holds pond safety "3 borrowers, 2 sessions" -DNT=3 $rest2
holds pond safety "3 borrowers, 1 session, in strict order" -DNT=3 $rest1 -DOVERDUE=1
holds pond safety "2 borrowers, 1 session, twice each" -DNT=2 -DNN=4 -DK=2 $rest1
holds pond safety "2 borrowers, 1 session, 2 deadlines" -DNT=2 $rest1 -DLATE=2
holds pond safety "2 borrowers, nothing open yet" -DNT=2 -DMAX=1 -DOVERDUE=0
holds pond safety "1 waiter, 1 order" -DNT=1 -DK=2 -DNN=2 -DMAX=2 -DONE_ORDER_EACH
holds pond safety "a connect fails" -DNT=1 -DMAX=1 -DFAILS=1
holds pond safety "a session is given up" -DNT=2 -DMAX=1 -DPRE=1 -DRETIRED=1 -DOVERDUE=0
holds pond safety "burst" -DNT=1 -DMAX=2 -DSIZE=0 -DHURRIES=1
holds pond safety "an order that fails beside a waiter" -DNT=1 -DK=2 -DNN=2 -DMAX=1 -DPRE=1 -DHASTY=1 -DRETIRED=1
large pond safety "2 loans that do not come back, 1 connect at a time" -DNT=2 -DMAX=2 -DWINDOW=1 -DKEEPS -DOVERDUE=0
holds pond progress "2 borrowers, 1 session" -DNT=2 $rest1 -DOVERDUE=0
}
# shellcheck disable=SC2086
{
plant pond safety 1 "a return does not look for waiters" -DNT=2 $rest1
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
plant pond safety 14 "a failed connect tells nobody" -DNT=1 -DMAX=1 -DFAILS=1
plant pond safety 15 "who arrived does not look after the window's place" -DNT=2 -DMAX=2 -DWINDOW=1 -DKEEPS -DOVERDUE=0
plant pond safety 16 "a failed connect keeps its place in the window" -DNT=1 -DMAX=1 -DFAILS=1
plant pond safety 17 "a place that is free again tells nobody" -DNT=2 -DMAX=1 -DPRE=1 -DRETIRED=1
plant pond safety 19 "what rests is seen and taken in two steps" -DNT=2 $rest1
plant pond safety 21 "a grant does not mind that the waiter has left" -DNT=2 $rest1 -DLATE=1
plant pond safety 22 "a wake leaves with one who timed out" -DNT=3 $rest1 -DLATE=1 -DOVERDUE=0
plant pond safety 23 "who left makes his node free himself" -DNT=2 $rest1 -DLATE=1
}
