import java.io.IOException;
import java.io.RandomAccessFile;
import rhodes.Cache;

/** A program in Java with a block cache of its own, which the rules that govern the one in C
 *  govern, too.
 *
 *  <pre>
 *  rhodes run scanner -- java -cp rhodes.jar:cached.jar CachedFiles FILE BLOCKS ROUNDS
 *  </pre>
 *
 *  It reads all blocks of the file in turn, ROUNDS times, through a cache of BLOCKS blocks, and
 *  after each round tells the rule and how many were there. */
public final class CachedFiles {
    private static final int BLOCK = 4096;

    private CachedFiles() {
    }

    private static byte[] read(RandomAccessFile file, long number) {
        try {
            byte[] block = new byte[BLOCK];
            file.seek(number * BLOCK);
            file.readFully(block);
            return block;
        } catch (IOException e) {
            throw new java.io.UncheckedIOException(e);
        }
    }

    public static void main(String[] words) throws IOException {
        int rounds = Integer.parseInt(words[2]);
        try (RandomAccessFile file = new RandomAccessFile(words[0], "r");
                Cache<Long, byte[]> blocks = new Cache<>("blocks", Integer.parseInt(words[1]))) {
            for (int round = 1; round <= rounds; round++) {
                int hits = 0;
                for (long number = 0; number < file.length() / BLOCK; number++) {
                    if (blocks.containsKey(number))
                        hits++;
                    blocks.get(number, missed -> read(file, missed));
                }
                System.out.println("round " + round + ", rule " + blocks.rule() + ": " + hits
                        + " hits");
            }
        }
    }
}
