import java.util.Iterator;

/** Serves little of libkinds, and that wrong. */
public final class HalfServer {
    public String i32(int a) {
        return "" + a;
    }

    public int i64(int a, int b) {
        return a + b;
    }

    public Iterator<?> rung() {
        return null;
    }
}
