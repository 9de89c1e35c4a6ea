-- One row inserted is one issue month whose cells this change of customer numbers may alter: a month in which a changed
-- number occurs. Settings: lkp.change_no.
insert into month_touched (issue_month, change_no)
select distinct customer_month.issue_month, current_setting('lkp.change_no')::bigint
from customer
join customer_month on customer_month.customer_number = customer.customer_number
where current_setting('lkp.change_no')::bigint in (customer.change_no, customer.ended_no);
