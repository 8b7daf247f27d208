import com.github.houbb.sensitive.word.bs.SensitiveWordBs;
import com.github.houbb.sensitive.word.support.allow.WordAllows;
import com.github.houbb.sensitive.word.support.tag.WordTags;
import java.lang.management.ManagementFactory;
import java.lang.management.ThreadMXBean;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;

/**
 * houbb/sensitive-word over the words and texts of `cargo xtask bench compliance`: thread CPU time, its two ways in turn, medians of rounds, one JSON
 * line per figure. Arguments: a folder with `words.txt`, `50.txt` and `4k.txt`, one a line, and the number of rounds.
 */
public final class Houbb {
    private static final ThreadMXBean THREADS = ManagementFactory.getThreadMXBean();
    /** Long enough for the compiler to have seen everything. */
    private static final long WARM_NANOSECONDS = 3_000_000_000L;
    /** Long enough for the clock. */
    private static final long ROUND_NANOSECONDS = 100_000_000L;

    public static void main(String[] arguments) throws Exception {
        Path folder = Path.of(arguments[0]);
        int rounds = Integer.parseInt(arguments[1]);
        List<String> words = Files.readAllLines(folder.resolve("words.txt"));
        SensitiveWordBs[] engines = {bare(words).init(), plain(words).init()};
        String[] names = {"houbb/sensitive-word, its formats off", "houbb/sensitive-word, as it comes"};
        String[][] tasks = {{"50.txt", "50 characters"}, {"4k.txt", "4 KB"}};
        for (String[] task : tasks) {
            List<String> texts = Files.readAllLines(folder.resolve(task[0]));
            measure(engines, names, texts, task[1], rounds);
        }
    }

    private static SensitiveWordBs plain(List<String> words) {
        return SensitiveWordBs.newInstance().wordDeny(() -> words).wordAllow(WordAllows.empty()).wordTag(WordTags.none());
    }

    private static SensitiveWordBs bare(List<String> words) {
        return plain(words).ignoreCase(false).ignoreWidth(false).ignoreNumStyle(false)
            .ignoreChineseStyle(false).ignoreEnglishStyle(false);
    }

    private static void measure(
            SensitiveWordBs[] engines, String[] names, List<String> texts, String task, int rounds) {
        double[][] times = new double[engines.length][rounds];
        long[] hits = new long[engines.length];
        for (int round = -1; round < rounds; round++) {
            for (int at = 0; at < engines.length; at++) {
                long least = round < 0 ? WARM_NANOSECONDS : ROUND_NANOSECONDS;
                long start = THREADS.getCurrentThreadCpuTime();
                long passes = 0;
                long taken;
                do {
                    hits[at] = 0;
                    for (String text : texts) {
                        hits[at] += engines[at].findAll(text).size();
                    }
                    passes++;
                    taken = THREADS.getCurrentThreadCpuTime() - start;
                } while (taken < least);
                if (round >= 0) {
                    times[at][round] = (double) taken / passes;
                }
            }
        }
        long bytes = 0;
        for (String text : texts) {
            bytes += text.getBytes(java.nio.charset.StandardCharsets.UTF_8).length;
        }
        for (int at = 0; at < engines.length; at++) {
            Arrays.sort(times[at]);
            double median = times[at][rounds / 2];
            System.out.printf(
                Locale.ROOT,
                "{\"list\":\"10k\",\"task\":\"%s, leftmost-longest\",\"engine\":\"%s\",\"ns\":%.1f,\"mb_per_s\":%.0f,\"hits\":%d}%n",
                task, names[at], median / texts.size(), bytes * 1e3 / median, hits[at]);
        }
    }

    private Houbb() {}
}
