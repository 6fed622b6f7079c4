// Threads of Java: a pool, a stream, a hand-over, an interruption, a collection.
import java.util.*; import java.util.concurrent.*; import java.util.stream.*;
public class FiberProgram { public static void main(String[] a) throws Exception {
 ExecutorService ex = Executors.newFixedThreadPool(8); List<Future<Long>> fs = new ArrayList<>();
 for (int i = 0; i < 64; i++) { final int k = i; fs.add(ex.submit(() -> { long x = k; for (int j = 0; j < 200000; j++) { x = x * 6364136223846793005L + 1; if (j % 20000 == 0) { byte[] b = new byte[100000]; b[5] = (byte) x; x += b[5]; } } return x; })); }
 long s = 0; for (Future<Long> f : fs) s ^= f.get(); System.out.println(s); ex.shutdown(); System.out.println(ex.awaitTermination(10, TimeUnit.SECONDS));
 System.out.println(IntStream.range(0, 1000000).parallel().mapToLong(i -> i * 3L).sum());
 SynchronousQueue<Integer> q = new SynchronousQueue<>(); Thread t = new Thread(() -> { try { for (int i = 0; i < 1000; i++) q.put(i); } catch (InterruptedException e) { System.out.println("int"); } }); t.start(); long sum = 0; for (int i = 0; i < 1000; i++) sum += q.take(); System.out.println(sum); t.join();
 Thread u = new Thread(() -> { try { Thread.sleep(100000); } catch (InterruptedException e) { System.out.println("interrupted"); } }); u.start(); Thread.sleep(20); u.interrupt(); u.join(); System.gc(); System.out.println("end"); } }
