// SPDX-License-Identifier: MIT
// Go's database/sql with a driver that does nothing: goroutines borrow a Conn
// and close it, with as many connections open as there may be.
package main

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"os"
	"strconv"
	"sync"
	"sync/atomic"
	"time"
)

type nothing struct{}

var errNothing = errors.New("this driver does nothing")

func (nothing) Connect(context.Context) (driver.Conn, error) { return nothing{}, nil }
func (nothing) Driver() driver.Driver                        { return nothing{} }
func (nothing) Open(string) (driver.Conn, error)             { return nothing{}, nil }
func (nothing) Prepare(string) (driver.Stmt, error)          { return nil, errNothing }
func (nothing) Close() error                                 { return nil }
func (nothing) Begin() (driver.Tx, error)                    { return nil, errNothing }

type counter struct {
	pairs int64
	_     [120]byte
}

func hold(length time.Duration) {
	for from := time.Now(); time.Since(from) < length; {
	}
}

func borrow(db *sql.DB, length time.Duration, stop *int32, mine *counter) {
	for atomic.LoadInt32(stop) == 0 {
		conn, err := db.Conn(context.Background())
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		if length > 0 {
			hold(length)
		}
		conn.Close()
		atomic.AddInt64(&mine.pairs, 1)
	}
}

func read(counters []counter) []int64 {
	seen := make([]int64, len(counters))
	for i := range counters {
		seen[i] = atomic.LoadInt64(&counters[i].pairs)
	}
	return seen
}

func open(sessions int) *sql.DB {
	db := sql.OpenDB(nothing{})
	db.SetMaxOpenConns(sessions)
	db.SetMaxIdleConns(sessions)
	var all []*sql.Conn
	for i := 0; i < sessions; i++ {
		conn, _ := db.Conn(context.Background())
		all = append(all, conn)
	}
	for _, conn := range all {
		conn.Close()
	}
	return db
}

func measure(name string, threads, sessions int, length, window time.Duration) {
	db := open(sessions)
	counters := make([]counter, threads)
	var stop int32
	var crew sync.WaitGroup
	for i := range counters {
		crew.Add(1)
		go func(mine *counter) {
			borrow(db, length, &stop, mine)
			crew.Done()
		}(&counters[i])
	}
	time.Sleep(window / 6)
	before, from := read(counters), time.Now()
	time.Sleep(window)
	after, took := read(counters), time.Since(from)
	atomic.StoreInt32(&stop, 1)
	crew.Wait()
	db.Close()
	tell(name, before, after, took)
}

func tell(name string, before, after []int64, took time.Duration) {
	var all, fewest, most int64 = 0, 1 << 62, 1
	for i := range after {
		pairs := after[i] - before[i]
		all += pairs
		if pairs < fewest {
			fewest = pairs
		}
		if pairs > most {
			most = pairs
		}
	}
	if all == 0 {
		all = 1
	}
	fmt.Printf("{\"name\": \"%s\", \"ns\": %f, \"pairs_per_s\": %f, \"fairness\": %f}\n",
		name, float64(took.Nanoseconds())/float64(all),
		float64(all)/took.Seconds(), float64(fewest)/float64(most))
}

func main() {
	ms, _ := strconv.Atoi(os.Getenv("DEWPOND_BENCH_WINDOW_MS"))
	if ms <= 0 {
		ms = 300
	}
	window := time.Duration(ms) * time.Millisecond
	for _, threads := range []int{1, 2, 4, 8, 16, 64} {
		measure(fmt.Sprintf("acquire_idle/go_database_sql/threads:%d/sessions:64", threads),
			threads, 64, 0, window)
	}
	for _, threads := range []int{16, 64} {
		for _, hold := range []string{"0", "1us", "50us"} {
			length, _ := time.ParseDuration(hold)
			measure(fmt.Sprintf("acquire_crowded/go_database_sql/threads:%d/sessions:4/hold:%s",
				threads, hold), threads, 4, length, window)
		}
	}
}
