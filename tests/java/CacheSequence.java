import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.util.ArrayDeque;
import rhodes.Cache;

/** cache_sequence.c again, with the cache of the SDK for Java (tests/system). */
public final class CacheSequence {
    private CacheSequence() {
    }

    public static void main(String[] words) throws Exception {
        ArrayDeque<Long> gone = new ArrayDeque<>();
        BufferedReader in = new BufferedReader(new InputStreamReader(System.in));
        try (Cache<Long, String> cache = new Cache<>(words[0], Integer.parseInt(words[1]),
                (key, value) -> gone.add(key))) {
            for (String line; (line = in.readLine()) != null;) {
                if (line.isEmpty()) {
                    System.out.println(cache.rule() == null ? "" : cache.rule());
                    continue;
                }
                Long key = Long.valueOf(line);
                if (!cache.get(key, made -> "" + made).equals(line))
                    throw new AssertionError(line);
                System.out.println(gone.isEmpty() ? "-" : gone.pop());
            }
        }
    }
}
