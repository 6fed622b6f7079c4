import java.nio.ByteBuffer;
import rhodes.Mirrored;

/** A server of objects that programs look into, in Java. */
public final class SeenServer {
    /** A count, and what was added last. */
    public static final class Tally implements Mirrored {
        private int count, last;

        Tally(int count) {
            this.count = count;
        }

        synchronized int add(int by) {
            last = by;
            return count += by;
        }

        synchronized Tally split() {
            count /= 2;
            return new Tally(count);
        }

        @Override
        public synchronized void mirror(ByteBuffer bytes) {
            bytes.putInt(count).putInt(last);
        }
    }

    public record Split(int result, Object half) { }

    public Object seenNew(int count) {
        return count < 0 ? new Object() : new Tally(count);
    }

    public int add(Object tally, int by) {
        return ((Tally) tally).add(by);
    }

    public Split split(Tally tally) {
        return new Split(0, tally.split());
    }

    public void close(Tally tally) { }
}
