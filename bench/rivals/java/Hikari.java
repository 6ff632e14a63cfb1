// SPDX-License-Identifier: MIT
// HikariCP with a driver that does nothing: threads borrow a Connection and
// close it. Each cell is warmed up until the compiler has done its work.

import com.zaxxer.hikari.HikariConfig;
import com.zaxxer.hikari.HikariDataSource;
import java.io.PrintWriter;
import java.sql.Connection;
import java.util.concurrent.atomic.AtomicLongArray;
import java.util.logging.Logger;
import javax.sql.DataSource;

public final class Hikari {
    private static final int STEP = 16; // longs, so that counters share no line
    private static volatile boolean stop;

    /** Connections that say yes to everything. */
    private static final class Nothing implements DataSource {
        public Connection getConnection() {
            return new NothingConnection();
        }

        public Connection getConnection(String user, String password) {
            return getConnection();
        }

        public PrintWriter getLogWriter() { return null; }
        public void setLogWriter(PrintWriter writer) { }
        public void setLoginTimeout(int seconds) { }
        public int getLoginTimeout() { return 0; }
        public Logger getParentLogger() { return null; }
        public <T> T unwrap(Class<T> type) { return null; }
        public boolean isWrapperFor(Class<?> type) { return false; }
    }

    private static HikariDataSource open(int sessions) {
        HikariConfig config = new HikariConfig();
        config.setDataSource(new Nothing());
        config.setMaximumPoolSize(sessions);
        config.setMinimumIdle(sessions);
        config.setConnectionTimeout(60000);
        return new HikariDataSource(config);
    }

    private static void borrow(HikariDataSource pool, long holdNs,
                               AtomicLongArray pairs, int mine) {
        try {
            while (!stop) {
                Connection connection = pool.getConnection();
                if (holdNs > 0) {
                    long from = System.nanoTime();
                    while (System.nanoTime() - from < holdNs) {
                    }
                }
                connection.close();
                pairs.lazySet(mine, pairs.get(mine) + 1);
            }
        } catch (java.sql.SQLException e) {
            System.err.println(e);
            System.exit(1);
        }
    }

    private static long[] read(AtomicLongArray pairs, int threads) {
        long[] seen = new long[threads];
        for (int i = 0; i < threads; i++) {
            seen[i] = pairs.get(i * STEP);
        }
        return seen;
    }

    private static void measure(String name, int threads, int sessions,
                                long holdNs, long windowMs, boolean tells)
        throws Exception {
        HikariDataSource pool = open(sessions);
        AtomicLongArray pairs = new AtomicLongArray(threads * STEP);
        Thread[] crew = new Thread[threads];
        stop = false;
        for (int i = 0; i < threads; i++) {
            int mine = i * STEP;
            crew[i] = new Thread(() -> borrow(pool, holdNs, pairs, mine));
            crew[i].start();
        }
        Thread.sleep(Math.max(windowMs / 3, 100));
        long from = System.nanoTime();
        long[] before = read(pairs, threads);
        Thread.sleep(windowMs);
        long[] after = read(pairs, threads);
        long took = System.nanoTime() - from;
        stop = true;
        for (Thread thread : crew) {
            thread.join();
        }
        pool.close();
        if (tells) {
            tell(name, before, after, took);
        }
    }

    private static void tell(String name, long[] before, long[] after,
                             long took) {
        long all = 0, fewest = Long.MAX_VALUE, most = 1;
        for (int i = 0; i < after.length; i++) {
            long pairs = after[i] - before[i];
            all += pairs;
            fewest = Math.min(fewest, pairs);
            most = Math.max(most, pairs);
        }
        System.out.printf(java.util.Locale.ROOT,
            "{\"name\": \"%s\", \"ns\": %f, \"pairs_per_s\": %f, "
                + "\"fairness\": %f}%n", name,
            (double) took / Math.max(all, 1), all * 1e9 / took,
            (double) fewest / most);
    }

    public static void main(String[] arguments) throws Exception {
        String text = System.getenv("DEWPOND_BENCH_WINDOW_MS");
        long windowMs = text == null ? 300 : Long.parseLong(text);
        for (int threads : new int[] {1, 2, 1, 2}) {
            measure("", threads, 64, 0, 400, false);
        }
        for (int threads : new int[] {1, 2, 4, 8, 16, 64}) {
            measure("acquire_idle/hikaricp/threads:" + threads
                + "/sessions:64", threads, 64, 0, windowMs, true);
        }
        for (int threads : new int[] {16, 64}) {
            for (int us : new int[] {0, 1, 50}) {
                String hold = us == 0 ? "/hold:0" : "/hold:" + us + "us";
                measure("acquire_crowded/hikaricp/threads:" + threads
                    + "/sessions:4" + hold, threads, 4, us * 1000L, windowMs,
                    true);
            }
        }
        System.exit(0);
    }
}
