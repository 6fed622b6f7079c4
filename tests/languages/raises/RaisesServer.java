import java.util.List;

/** A server that raises, in Java. */
public final class RaisesServer {
    public int raisesError(String what) {
        if (what.equals("four"))
            throw new IllegalStateException("no number: gr\u00fc\u00df");
        return Integer.parseInt(what);
    }

    public int raisesPanic(String what) {
        throw new StackOverflowError(what);
    }

    public int raisesTwice(int number) {
        return 2 * number;
    }

    public int raisesTell(int what, int count) {
        return 0;
    }

    /** What is told. */
    public record Told(int result, int what, int number) { }

    public List<Told> raisesTold() {
        return List.of();
    }
}
