package kinds;

import org.junit.Test;

public class LeakTest extends KindsCase {
    /** Descriptors and mappings of pages that the process has. */
    private static long held() throws Exception {
        try (var maps = java.nio.file.Files.lines(java.nio.file.Path.of("/proc/self/maps"))) {
            return new java.io.File("/proc/self/fd").list().length
                    + maps.filter(line -> line.contains("memfd")).count();
        }
    }

    /** Nothing here and nothing in the callee is left of many calls. */
    @Test
    public void leaks() throws Throwable {
        Leave.rounds(100_000);
        shortThreads();
        long before = held();
        Leave.rounds(100_000);
        shortThreads();
        equal(0, call("pots"));
        // Two threads of the JVM's own may come meanwhile, and a thread that was joined has
        // not ended for the kernel: nobody tells when.
        for (int i = 0; i < 6000 && held() > before + 4; i++)
            Thread.sleep(10);
        equal(true, held() <= before + 4);
    }
}
