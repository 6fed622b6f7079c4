package rhodes;

import java.io.File;
import java.net.URI;
import java.nio.ByteBuffer;

/** librhodes-java.so: what only C can do.  Addresses are longs. */
final class Native {
    private static final String FILE = "librhodes-java.so";

    static {
        load();
    }

    private Native() {
    }

    /** Beside this jar, in a folder of LD_LIBRARY_PATH, or where the loader looks.  By path, as
     *  the boot loader, which has this class under the agent, looks nowhere. */
    private static void load() {
        String named = System.getProperty("rhodes.native");
        File beside = named != null ? new File(named) : new File(folder(), FILE);
        if (beside.exists()) {
            System.load(beside.getAbsolutePath());
            return;
        }
        String path = System.getenv("LD_LIBRARY_PATH");
        for (String folder : (path == null ? "" : path).split(":")) {
            File file = new File(folder, FILE);
            if (!folder.isEmpty() && file.exists()) {
                System.load(file.getAbsolutePath());
                return;
            }
        }
        System.loadLibrary("rhodes-java");
    }

    /** The folder of the jar that this class is in; "." when it is in none. */
    static File folder() {
        try {
            String place = Native.class.getResource("Native.class").toString();
            int end = place.indexOf("!/");
            if (place.startsWith("jar:") && end > 0)
                return new File(new URI(place.substring(4, end))).getParentFile();
        } catch (java.net.URISyntaxException | IllegalArgumentException e) {
            return new File(".");
        }
        return new File(".");
    }

    /** Opens a callee by name: its struct rh_stub_library, or a negative code. */
    static native long open(String name);

    /** The interface of a library, or of the resource that this process serves (0), as Interface
     *  reads it; null: see lastError. */
    static native String describe(long library);

    /** Where the C objects of functions[index] stand in a frame; lives for ever. */
    static native long plan(long library, int index, int[] offsets, int result);

    /** The call: 0, or a negative code. */
    static native int call(long plan, long frame);

    /** As the thread's last call left it, also one by a native method of a shadow library. */
    static native int lastErrno();

    /** The words of the thread's last failure, and whether it may have run. */
    static native byte[] lastError();

    static native int lastCode();

    static native boolean lastRan();

    /** Language, type, message and stack of what the callee raised, or null. */
    static native byte[][] lastException();

    static native long address(ByteBuffer buffer);

    static native long allocate(long bytes);

    static native void free(long address);

    static native long textLength(long address);

    static native void read(long address, byte[] to, int offset, int length);

    static native void write(long address, byte[] from, int offset, int length);

    /** Serves the functions of the own interface until SIGTERM.  plans: a row per function of
     *  offsets and sizes; see native/serve.c. */
    static native int serve(Server server, int[][] plans, int frameBytes, int threads);

    static native void stopServing();

    /** In a served call: the caller gets these texts.  Returns the code. */
    static native int raise(byte[] type, byte[] message, byte[] stack);

    /** In a served call: memory that lives until the reply has been packed. */
    static native long replyMemory(long bytes);

    /** In a served call: what callers see of the object of a parameter, or of the result (-1). */
    static native int mirror(int parameter, byte[] bytes);

    static native long ruleOpen(byte[] key, long timeout);

    static native void ruleClose(long place);

    /** The answer, or null; code[0]: 1, 0 for none, or a negative code. */
    static native byte[] ruleRun(long place, byte[] question, int[] code);

    static native byte[] ruleName(long place);

    static native long slotsOpen(byte[] key, int capacity, long timeout);

    static native void slotsClose(long slots);

    static native int slotsHit(long slots, int slot);

    static native int slotsAdmit(long slots, long key);

    /** The slot, and in bit 32 whether something was in it. */
    static native long slotsPlace(long slots, long key);

    static native int slotsRemove(long slots, int slot);

    static native byte[] slotsName(long slots);
}
